/**
 * Fills a test's ring buffer from a separate process, as traffic would: `node fill-ring.js PROGRAM_ID
 * RECORDS`, where each byte on stdin requests that many records.
 */

import { openProgramById } from '../../../loader/program.js';
import { testRun } from '../../../loader/testrun.js';
import { frame } from './machine.js';

const [id = 0, records = 0] = process.argv.slice(2).map(Number);
const program = openProgramById(id);
if (!program) throw new Error(`no program ${id}`);
process.stdin.on('data', (asked) => {
  for (let i = 0; i < asked.length; i++) {
    testRun(program.fd, { data: frame(), repeat: records });
  }
});
