/** The long-lived process of a node: started once, told when to end, and always the only one. */
import type { Node } from '../control/node/node.js';
import { serviceOf } from '../linux/service.js';
import { attend } from './attention.js';
import type { Logger } from './log.js';
import { claimNode } from './single.js';

/** What an agent is started with. */
export interface AgentOptions {
  readonly node: Node;
  readonly log: Logger;
  /** Milliseconds between two full looks, about. */
  readonly interval: number;
  /** Aborted when the agent is to end. */
  readonly signal: AbortSignal;
  /** Called with what makes the agent look at all now. */
  readonly onReady?: (look: () => void) => void;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/**
 * Be the agent of a node until the signal. Whatever a look meets is logged and tried again; forwarding does
 * not depend on it, and what is there when it ends stays.
 * @throws DpctlError AGENT_RUNNING, exit 5, where there is one; AGENT_OUTDATED, exit 5, where dpctl was
 *   replaced meanwhile; KERNEL_* where the kernel tells nothing of devices
 */
export async function runAgent(options: AgentOptions): Promise<void> {
  const { node, log, signal } = options;
  const release = claimNode(node);
  const service = serviceOf(options.env);
  let fatal: unknown;
  try {
    await new Promise<void>((resolve, reject) => {
      const attention = attend(options, service, (error) => {
        fatal = error;
        end();
      });
      let ending = false;
      const end = (): void => {
        if (ending) return;
        ending = true;
        service.notify('STOPPING=1', 'STATUS=ending');
        attention.stop().then(resolve, reject);
      };
      log.info({ root: node.paths.root }, 'the agent looks after this node');
      options.onReady?.(attention.look);
      if (signal.aborted) end();
      else signal.addEventListener('abort', end, { once: true });
    });
  } finally {
    release();
  }
  if (fatal !== undefined) throw fatal;
  log.info('the agent has ended; forwarding goes on without it');
}
