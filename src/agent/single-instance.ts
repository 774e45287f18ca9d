/**
 * One agent for each node: a lock on the node's root directory, which exists before and after everything
 * else.
 */
import { mkdirSync } from 'node:fs';
import { DpctlError } from '../../loader/errors.js';
import { closeFd, flock, openFd } from '../../loader/sys/files.js';
import type { Node } from '../control/node/node.js';
import { flockHolder } from '../linux/flock-holder.js';
import { hostPath } from '../linux/mountns.js';

/**
 * Become the agent of a node. The kernel releases the lock when the process ends, however it ends, and no
 * file is left.
 * @returns a function that releases it
 * @throws DpctlError AGENT_RUNNING, exit 5
 */
export function claimNode({ paths }: Node): () => void {
  const root = hostPath(paths.root);
  mkdirSync(root, { recursive: true });
  const fd = openFd(root);
  let pid: number | undefined;
  try {
    if (flock(fd, 'exclusive', true)) return () => closeFd(fd);
    pid = flockHolder(fd);
  } catch (error) {
    closeFd(fd);
    throw error;
  }
  closeFd(fd);
  const who = pid === undefined ? 'another process' : `process ${pid}`;
  throw new DpctlError('AGENT_RUNNING', `${who} is the agent of this node (${paths.root})`, {
    exitCode: 5,
    hint: pid === undefined ? 'stop it first' : `stop it first: kill ${pid}`,
    details: { pid: pid ?? null, root: paths.root },
  });
}
