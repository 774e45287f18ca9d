/** An agent that only serves the API: `serve.js ROOT` runs until it is terminated. */

import { serveApi } from '../../../src/agent/server/serve.js';
import { openNode } from '../../../src/control/node/node.js';
import { makeDirectory } from '../../../src/store/atomic.js';

const stop = new AbortController();
process.on('SIGTERM', () => stop.abort());
const node = openNode({ root: process.argv[2] });
const write =
  (level: string) =>
  (facts: object, message: string): void => {
    process.stderr.write(`${JSON.stringify({ level, ...facts, message })}\n`);
  };
const log = {
  debug: write('debug'),
  info: write('info'),
  warn: write('warn'),
  error: write('error'),
};
makeDirectory(node.paths.runDir);
const served = await serveApi({ node, signal: stop.signal, log });
process.stdout.write(`${served.socketPath}\n`);
