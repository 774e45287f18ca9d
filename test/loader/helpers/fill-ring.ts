/**
 * Fills a test's ring buffer from a process of its own, as traffic would, at a pace:
 * `node fill-ring.js PROGRAM_ID ROUNDS RECORDS_A_ROUND PAUSE_MS`.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import { openProgramById } from '../../../loader/program.js';
import { testRun } from '../../../loader/testrun.js';
import { frame } from './machine.js';

const [id = 0, rounds = 0, records = 0, pause = 0] = process.argv.slice(2).map(Number);
const program = openProgramById(id);
if (!program) throw new Error(`no program ${id}`);
for (let round = 0; round < rounds; round++) {
  testRun(program.fd, { data: frame(), repeat: records });
  await sleep(pause);
}
