/**
 * One agent for each node: a lock on a file that only root may open, in the node's run directory. No other
 * user can hold it and so keep an agent from starting. A reset removes the file with the directory, and the
 * lock with it; an agent makes neither on a node that is not in use.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { DpctlError } from '../../loader/errors.js';
import { type Node, removeIfEmpty } from '../control/node/node.js';
import { isBpffs } from '../linux/bpffs.js';
import { hostPath } from '../linux/mountns.js';
import { type HeldLock, readHolder, tryLockThere } from '../store/lock.js';

/** Attempts while the file is removed and made again. */
const RACES = 8;

/** An agent's claim on a node. */
export interface Claim {
  /**
   * Take the lock, unless it is held. Called before each change and before the API is served: after a reset
   * the locked file is another one than that at the path.
   * @returns whether it is held; false on a node that is not in use, which needs no agent
   * @throws DpctlError AGENT_RUNNING, exit 5, if another agent has it; STORE_UNAVAILABLE, PATH_NOT_TRUSTED
   */
  hold(): boolean;
  /** Release the lock, and remove the file. */
  release(): void;
}

/** The claim on a node, which is not held yet. */
export function newClaim(node: Node): Claim {
  const { paths } = node;
  const path = join(hostPath(paths.runDir), 'agent.lock');
  // A reset unmounts it before it removes the directory.
  const isInUse = (): boolean => isBpffs(paths.bpfDir);
  let lock: HeldLock | undefined;
  const release = (): void => {
    if (lock?.isStill()) rmSync(path, { force: true });
    lock?.release();
    lock = undefined;
  };
  return {
    release,
    hold() {
      if (lock?.isStill()) return true;
      release();
      for (let again = RACES; again > 0 && isInUse(); again--) {
        const found = tryLockThere(path, 'the agent');
        if (found === 'held') throw running(node, path);
        if (found === 'gone') continue;
        lock = found;
        if (isInUse()) return true;
        // Made while a reset removed the directory.
        release();
        removeIfEmpty(paths);
      }
      return false;
    },
  };
}

function running({ paths }: Node, path: string): DpctlError {
  const { pid } = readHolder(path);
  const who = pid === undefined ? 'another process' : `process ${pid}`;
  return new DpctlError('AGENT_RUNNING', `${who} is the agent of this node (${paths.root})`, {
    exitCode: 5,
    hint: pid === undefined ? 'stop it first' : `stop it first: kill ${pid}`,
    details: { pid: pid ?? null, root: paths.root },
  });
}
