/** An agent works only with the build that it was started from. */
import { realpathSync, statSync } from 'node:fs';
import { DpctlError, exceptFor } from '../../loader/errors.js';
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

/**
 * Watch for a replacement of the build that the agent was started from: of its program, and of the objects
 * that it loads.
 * @param program the running program's file
 */
export function guardBuild(node: Node, program = process.argv[1] ?? ''): BuildGuard {
  // Where a link leads now: a new build may have a folder of its own.
  const build = (): string => {
    const file = realpathSync(program);
    const { dev, ino, size, mtimeMs } = statSync(file);
    return [file, dev, ino, size, mtimeMs, buildId(hostPins(node).buildFile)].join(' ');
  };
  const own = build();
  let isOurs = false;
  return {
    check() {
      // While it is replaced there is none: another process could not be started yet.
      const now = exceptFor(['ENOENT'], build, own);
      if (now !== own) throw outdated('was replaced: this agent is of the build before');
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
