/**
 * A process that runs a pinned program on a frame again and again until it is stopped. Arguments: pin of
 * the program, network namespace, ifindex, frame in hex. Prints the number of runs at the end.
 */
import { openPinnedProgram } from '../../../loader/program.js';
import { openFd } from '../../../loader/sys/files.js';
import { inNetns } from '../../../loader/sys/netns.js';
import { testRun } from '../../../loader/testrun.js';
import { contextFor } from './context.js';

const [pin = '', netns = '', ifindex = '', hex = '', milliseconds = ''] = process.argv.slice(2);
const program = openPinnedProgram(pin);
const ctx = contextFor(Number(ifindex));
const data = Buffer.from(hex, 'hex');
const end = Date.now() + Number(milliseconds);
const ROUND = 1000;

let runs = 0;
inNetns(openFd(netns), () => {
  for (; Date.now() < end; runs += ROUND) testRun(program.fd, { data, ctx, repeat: ROUND });
});
console.log(runs);
