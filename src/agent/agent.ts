/** The long-lived process of a node: started once, ended by a signal, and always the only one. */
import type { Node } from '../control/node/node.js';
import { serviceOf } from '../linux/service.js';
import { startReacting } from './event-reactions.js';
import type { Logger } from './log.js';
import { newClaim } from './single-instance.js';

/** Options of an agent. */
export interface AgentOptions {
  readonly node: Node;
  readonly log: Logger;
  /** Milliseconds between two full looks, approximately. */
  readonly interval: number;
  /** Aborted when the agent must end. */
  readonly signal: AbortSignal;
  /** Called with a function that makes the agent look at everything now. */
  readonly onReady?: (look: () => void) => void;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/**
 * Run the agent of a node until the signal. Failures of a look are logged and retried; forwarding does not
 * depend on the agent, and everything stays in place when it ends.
 * @throws DpctlError AGENT_RUNNING, exit 5, if there is one already, or if another one took over the node
 *   after a reset; AGENT_OUTDATED, exit 5, if dpctl was
 *   replaced meanwhile; KERNEL_* if the kernel sends no notices of devices
 */
export async function runAgent(options: AgentOptions): Promise<void> {
  const { node, log, signal } = options;
  const claim = newClaim(node);
  claim.hold();
  const service = serviceOf(options.env);
  let fatal: unknown;
  try {
    await new Promise<void>((resolve, reject) => {
      const reactions = startReacting(options, service, claim, (error) => {
        fatal = error;
        end();
      });
      let ending = false;
      const end = (): void => {
        if (ending) return;
        ending = true;
        service.notify('STOPPING=1', 'STATUS=ending');
        reactions.stop().then(resolve, reject);
      };
      log.info({ root: node.paths.root }, 'the agent has started');
      options.onReady?.(reactions.look);
      if (signal.aborted) end();
      else signal.addEventListener('abort', end, { once: true });
    });
  } finally {
    claim.release();
  }
  if (fatal !== undefined) throw fatal;
  log.info('the agent has stopped; forwarding continues without it');
}
