/** The program. What it does is in run.ts, which tests can import without running anything. */
import { BUG } from '../api/failure.js';
import { runLine, watchCrashes } from './run.js';

const words = process.argv.slice(2);
watchCrashes(words, process.env);
// Node ends with this when nothing is left to wait for: a command that never came back.
process.exitCode = BUG;
// Everything is written when this comes back; what is still open is the kernel's to close.
void runLine(words, process.env).then((code) => process.exit(code));
