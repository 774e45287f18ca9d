/** Repair what was damaged by hand in a lab, or remove it to be made again. */
import { lstatSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { isShortage } from '../../loader/errors.js';
import type { LabSpec } from '../api/lab.js';
import { endpointsNamed } from '../control/endpoint/find-by-name.js';
import { openNode } from '../control/node/node.js';
import { nodePaths } from '../control/node/paths.js';
import { bindNetns, isNsfs, unbindNetns, unmount } from '../linux/bpffs.js';
import { hostPath } from '../linux/mountns.js';
import { deleteNetns, NETNS_DIR, netnsExists, netnsList, sameNetns } from '../linux/netns.js';
import { isThere } from '../linux/path-status.js';
import { isOfLab, type LabNode, nsOf } from './names.js';
import { removeNode } from './node.js';
import { LAB_DEFAULT } from './spec.js';
import { nodeDirs } from './store.js';

type LabNodeRef = Pick<LabNode, 'where' | 'ns' | 'root'>;

/** A node of a lab by its name for users. */
export function labNodeRef(lab: string, dir: string, where: string): LabNodeRef {
  return { where, ns: nsOf(lab, where), root: join(dir, where) };
}

/**
 * Remove names of namespaces that lead nowhere, as a killed `ip netns add` or an unmount leaves them.
 * @returns whether there were any
 */
export async function dropDeadNames(lab: string): Promise<boolean> {
  const dead = netnsList().filter((ns) => isOfLab(lab, ns) && !isNsfs(join(NETNS_DIR, ns)));
  for (const ns of dead) await deleteNetns(ns);
  return dead.length > 0;
}

/**
 * Make a node's name and its root directory refer to one namespace. If the directory still holds the
 * namespace, that one is kept with its content; otherwise nothing there can be used.
 * @returns whether anything had to be done
 */
export async function mendNode(lab: string, node: LabNodeRef): Promise<boolean> {
  const { ns, root } = node;
  dropStranger(root);
  const { netns, runDir } = nodePaths(root);
  const name = join(NETNS_DIR, ns);
  if (!isNsfs(netns)) {
    if (!netnsExists(ns) && !isThere(hostPath(runDir))) return false;
    await demolish(lab, node);
    return true;
  }
  if (netnsExists(ns)) {
    if (isSame(name, netns)) return false;
    await deleteNetns(ns);
  }
  return bindNetns(hostPath(netns), name);
}

/** Whether a node's name and its root directory refer to one namespace. */
export function isWhole({ ns, root }: Pick<LabNode, 'ns' | 'root'>): boolean {
  const { netns } = nodePaths(root);
  const name = join(NETNS_DIR, ns);
  return isFolder(root) && isNsfs(netns) && isNsfs(name) && isSame(name, netns);
}

/**
 * Whether a name of the lab now belongs to another namespace than the one that the node's directory holds, or
 * that was attached.
 * @param isNode it is the node's own name; else that of an endpoint on it
 */
export async function isReplaced(
  { ns, root }: Pick<LabNode, 'ns' | 'root'>,
  isNode: boolean,
): Promise<boolean> {
  const { netns } = nodePaths(root);
  const name = join(NETNS_DIR, ns);
  if (isNode) return isNsfs(netns) && isNsfs(name) && !isSame(name, netns);
  if (!isFolder(root)) return false;
  const node = openNode({ root });
  try {
    const { current, former } = endpointsNamed(node, (await node.store.salvage()).state, {
      ref: ns,
    });
    return current.length === 0 && former.length > 0;
  } finally {
    node.close();
  }
}

/** Remove anything in the place of a node's directory that is not a directory. */
function dropStranger(root: string): void {
  if (!isFolder(root)) rmSync(hostPath(root), { force: true });
}

function isFolder(path: string): boolean {
  return lstatSync(hostPath(path), { throwIfNoEntry: false })?.isDirectory() ?? false;
}

function isSame(one: string, other: string): boolean {
  const [a, b] = [one, other].map((path) => statSync(hostPath(path), { bigint: true }));
  return a !== undefined && b !== undefined && sameNetns(a, b);
}

/**
 * Remove a node with its endpoints, whatever state it is in: information that it cannot give is not needed.
 */
export async function demolish(lab: string, node: LabNodeRef): Promise<void> {
  const { where, ns, root } = node;
  dropStranger(root);
  try {
    await removeNode({ ns, root });
  } catch (error) {
    if (isShortage(error)) throw error;
    // Its records are damaged. Everything it made is in its namespaces, and is deleted with them.
  }
  const own = new RegExp(`^${where}(e|$)`);
  for (const each of netnsList()) {
    if (isOfLab(lab, each) && own.test(each.slice(lab.length + 1))) await deleteNetns(each);
  }
  const { bpfDir, netns } = nodePaths(root);
  await unmount(bpfDir);
  await unbindNetns(netns);
  rmSync(hostPath(root), { recursive: true, force: true });
}

/** The former form of a lab whose record is lost, guessed from its namespaces and directories. */
export function guessSpec(name: string, dir: string): LabSpec {
  const places = netnsList()
    .filter((ns) => isOfLab(name, ns))
    .map((ns) => ns.slice(name.length + 1));
  const most = (least: number, pattern: RegExp, words: readonly string[]): number =>
    Math.max(least, ...words.map((word) => Number(pattern.exec(word)?.[1] ?? 0)));
  return {
    ...LAB_DEFAULT,
    name,
    nodes: most(1, /^n(\d+)/, [...places, ...nodeDirs(dir)]),
    endpoints: most(0, /e(\d+)/, places),
    vnis: most(1, /v(\d+)$/, places),
  };
}
