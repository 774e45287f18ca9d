/** An agent works only with the build that it was started from. */
import { DpctlError } from '../../loader/errors.js';
import { hostPins, type Node } from '../control/node/node.js';
import { runsOtherBuild } from '../datapath/install.js';
import { buildId } from '../datapath/objects.js';

/** Checks that an agent makes before each look. */
export interface BuildGuard {
  /** @throws DpctlError AGENT_OUTDATED, exit 5 */
  check(): void;
  /** From now on the node runs this build: a different one that appears has taken it over. */
  taken(): void;
}

/** Watch for a replacement of the build that the agent was started from. */
export function guardBuild(node: Node): BuildGuard {
  const build = (): string => buildId(hostPins(node).buildFile);
  const own = build();
  let isOurs = false;
  return {
    check() {
      if (build() !== own) throw outdated('was replaced: this agent is of the build before');
      if (isOurs && runsOtherBuild(hostPins(node))) {
        throw outdated('of another build has taken this node over');
      }
    },
    taken() {
      isOurs = true;
    },
  };
}

function outdated(what: string): DpctlError {
  return new DpctlError('AGENT_OUTDATED', `dpctl ${what}`, {
    exitCode: 5,
    hint: 'restart the agent with the dpctl that you use now',
  });
}
