/** What a node needs before it can change, under the lock that excludes other commands. */
import { DpctlError } from '../../../loader/errors.js';
import { bpfAvailable } from '../../../loader/probe.js';
import type { ChangeOptions } from '../../api/change.js';
import { pinnedLinkIds } from '../../datapath/hook.js';
import {
  areTablesPinned,
  clearFalsePins,
  type DatapathPaths,
  installDatapath,
  pinFaults,
  pruneBuilds,
} from '../../datapath/install.js';
import { rememberBuild } from '../../datapath/objects.js';
import { isBpffs } from '../../linux/bpffs.js';
import { hostPath } from '../../linux/mountns.js';
import { isThere } from '../../linux/path-status.js';
import type { State } from '../../model/state/state.js';
import { dismantle, hostPins, type Node, prepareNode } from '../node/node.js';
import { faultPoint } from './fault-injection.js';

/** Whether any part of the node exists. */
export function nodeExists({ paths }: Node): boolean {
  return isThere(hostPath(paths.runDir)) || isThere(hostPath(paths.stateDir));
}

/** Options for a caller that repairs the node on its own and requests nothing new. */
export interface MendOptions extends ChangeOptions {
  /**
   * Refuse (NODE_UNUSED) on a node that is not in use, instead of making what it needs: nothing may come back
   * after a reset.
   */
  readonly onlyInUse?: boolean;
  /**
   * Look for dead endpoints only at host ends with these numbers, and at no links of others: a later look
   * finds what is wrong with those.
   */
  readonly devices?: ReadonlySet<number> | undefined;
}

/** Told to a section that runs under the lock. */
export interface Readiness {
  /** Tables were lost while endpoints used them, so the whole node must be inspected. */
  readonly rebuilt: boolean;
}

/**
 * Run a section under the node's lock, with directories, tables and programs in place. If the node was unused
 * before and the section fails, everything made for it is removed again.
 * @param check called before anything is made, if something has to be; it may refuse
 * @param options.onlyInUse refuse to make anything on an unused node
 * @throws DpctlError BPF_PERMISSION, BPF_MISSING, STORE_BUSY, BPFFS_UNAVAILABLE, VERIFIER, MAP_LAYOUT,
 *   NODE_UNUSED and what the section throws
 */
export async function whenReady<T>(
  node: Node,
  section: (readiness: Readiness) => Promise<T>,
  check?: () => Promise<unknown>,
  { onlyInUse = false, devices }: MendOptions = {},
): Promise<T> {
  // Also checks that libbpf can be called, before the lock makes the first directory.
  const unusable = bpfAvailable();
  if (unusable !== undefined) throw unusable;
  const isNew = !isThere(hostPath(node.paths.runDir));
  const release = await node.store.lock();
  // Another command may have prepared the node meanwhile.
  let unused = false;
  try {
    const isMounted = isBpffs(node.paths.bpfDir);
    unused = isNew && !isMounted;
    if (onlyInUse && !isMounted && !isThere(hostPath(node.paths.stateDir))) {
      // The lock has made a directory, and a reset must leave none.
      unused = true;
      throw new DpctlError('NODE_UNUSED', 'this node is not in use', { exitCode: 3 });
    }
    node.refresh();
    const pins = hostPins(node);
    // Only looked at: opening every pin again would slow each command.
    const isReady = pinFaults(pins, { links: devices === undefined }).length === 0;
    if (!isReady) await check?.();
    await node.store.repair();
    await prepareNode(node);
    faultPoint('node.prepared');
    const rebuilt = !isReady && (await rebuild(node, pins));
    faultPoint('node.installed');
    const result = await section({ rebuilt });
    pruneBuilds(pins);
    rememberBuild(pins.buildFile);
    return result;
  } catch (error) {
    if (unused) await leaveUnused(node);
    throw error;
  } finally {
    release();
  }
}

/** Put every pin in its place. @returns whether tables were lost while endpoints used them */
async function rebuild(node: Node, pins: DatapathPaths): Promise<boolean> {
  clearFalsePins(pins);
  const rebuilt =
    !areTablesPinned(pins) &&
    (pinnedLinkIds(pins).size > 0 || (await node.store.load()).state.endpoints.length > 0);
  installDatapath(pins);
  return rebuilt;
}

/** Never throws: the user must see the original error. */
async function leaveUnused(node: Node): Promise<void> {
  const state = await readable(node);
  if (state === 'unknown' || (state !== undefined && isRunning(state))) return;
  await dismantle(node, state === undefined || isLasting(state) ? 'networks' : 'nothing');
}

/** @returns undefined: no state at all; unknown: endpoints may be in use, but the state cannot be read now */
async function readable({ store }: Node): Promise<State | 'unknown' | undefined> {
  try {
    return (await store.load()).state;
  } catch (error) {
    const isDamaged = error instanceof DpctlError && error.code !== 'STORE_UNAVAILABLE';
    return isDamaged ? undefined : 'unknown';
  }
}

function isLasting({ networks, nodes, underlay }: State): boolean {
  return networks.length + nodes.length > 0 || underlay !== undefined;
}

function isRunning({ endpoints, staticFdb, sysctls, unfinished }: State): boolean {
  return endpoints.length + staticFdb.length + sysctls.length > 0 || unfinished === true;
}
