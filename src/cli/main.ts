/** The program. Its work is in run.ts, which tests can import without running anything. */
import { BUG } from '../api/failure.js';
import { runLine, watchCrashes } from './run.js';

const words = process.argv.slice(2);
watchCrashes(words, process.env);
// Node exits with this code when nothing is left to wait for: the command never returned.
process.exitCode = BUG;
// Everything is written when this returns; the kernel closes what is still open.
void runLine(words, process.env).then((code) => process.exit(code));
