import { DpctlError } from '../../../loader/errors.js';
import { AGENT } from '../commands/agent.js';
import type { Call } from '../parse.js';
import { type Outcome, openNodeOf, valuesOf } from './verb.js';

/** Seconds between two full looks. */
const INTERVAL = 300;

/** dpctl agent. */
export async function run(call: Call): Promise<Outcome> {
  const { options } = valuesOf(AGENT, call);
  const { interval = INTERVAL, logLevel = 'info', logFormat = 'auto' } = options;
  if (interval < 1) {
    throw new DpctlError('BAD_VALUE', '--interval must be at least 1s', { exitCode: 1 });
  }
  const ending = new AbortController();
  const { signal } = ending;
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, () => ending.abort());
  let look = (): void => {};
  process.on('SIGHUP', () => look());
  const node = await openNodeOf(call);
  const { openLog } = await import('../../agent/log.js');
  const { runAgent } = await import('../../agent/agent.js');
  await runAgent({
    ...{ node, signal, interval: interval * 1000, env: process.env },
    log: openLog({
      level: logLevel,
      format: logFormat,
      isTerminal: process.stderr.isTTY === true,
    }),
    onReady: (now) => {
      look = now;
    },
  });
  return {};
}
