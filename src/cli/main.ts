/** The program. What it does is in run.ts, which tests can import without running anything. */
import { runLine } from './run.js';

// Everything is written when this comes back; what is still open (sockets, pipes) is the kernel's to close.
void runLine(process.argv.slice(2), process.env).then((code) => process.exit(code));
