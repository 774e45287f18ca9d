/** The node's own namespace: whether the bound one is still the one that users mean. */

import { DpctlError } from '../../../loader/errors.js';
import { advice, exec, REPEAT, run } from '../../../loader/hint.js';
import { netnsCookie } from '../../../loader/sys/netns.js';
import { deleteOverlayDevice, overlayDevices } from '../../datapath/underlay/device.js';
import { isNsfs, unbindNetns } from '../../linux/bpffs.js';
import { hostPath } from '../../linux/mountns.js';
import { linkDelete } from '../../linux/netlink/link.js';
import { netnsList } from '../../linux/netns.js';
import { findNetns } from '../../linux/netns-find.js';
import { processInNetns } from '../../linux/process.js';
import type { State } from '../../model/state/state.js';
import { hostEndOf } from '../change/own-device.js';
import { inodeOf, named, rememberedName } from './namespace-name.js';
import { type Node, recordedNetns } from './node.js';

/**
 * Refuse to work in a namespace that has lost its name: only dpctl's bind mount keeps it alive, and the
 * changes would have no visible effect.
 * @throws DpctlError NODE_NETNS_CHANGED, exit 3
 */
export function refuseLostNamespace(node: Node): void {
  const lost = lostNamespace(node);
  if (lost === undefined) return;
  const { name, isAnew } = lost;
  const what = `${name === undefined ? '' : `${name}, `}the network namespace of this node`;
  const how = isAnew ? 'deleted and created again' : 'deleted';
  throw new DpctlError(
    'NODE_NETNS_CHANGED',
    `${what}, was ${how}: what dpctl made is in the old one, which no longer has a name`,
    {
      exitCode: 3,
      hint: advice`${run`reconcile --adopt`} to set everything up in the current namespace, or ${run`reset --yes`}`,
      details: { name: name ?? '', netns: node.paths.netns },
    },
  );
}

/** A node's namespace that has lost its name, or is gone. */
export interface LostNamespace {
  readonly name: string | undefined;
  /** Another namespace has that name now. */
  readonly isAnew: boolean;
}

/** The node's own namespace, if users can no longer mean it. */
export function lostNamespace(node: Node): LostNamespace | undefined {
  if (!isNsfs(node.paths.netns)) return unnamedNamespace(node);
  const lost = lostBound(node);
  if (lost === undefined) return undefined;
  // A user has bound another namespace there: the node's own may be fine.
  const recorded = recordedNetns(node.paths);
  const isOther = recorded !== undefined && recorded !== String(netnsCookie(node.netnsFd()));
  return isOther ? undefined : lost;
}

function lostBound(node: Node): LostNamespace | undefined {
  const bound = inodeOf(hostPath(node.paths.netns));
  if (bound === undefined || bound === inodeOf('/proc/self/ns/net')) return undefined;
  const name = rememberedName(node.paths.netns);
  const now = name === undefined ? undefined : named(name);
  if (name !== undefined && now !== undefined) {
    return now === bound ? undefined : { name, isAnew: true };
  }
  if (netnsList().some((each) => named(each) === bound)) return undefined;
  return processInNetns(Number(bound)) === undefined ? { name, isAnew: false } : undefined;
}

/** The node's own bind mount of its namespace is lost: the cookie finds the namespace, if it still exists. */
function unnamedNamespace({ paths }: Node): LostNamespace | undefined {
  const cookie = recordedNetns(paths);
  if (cookie === undefined || findNetns(cookie) !== undefined) return undefined;
  const name = rememberedName(paths.netns);
  return { name, isAnew: name !== undefined && named(name) !== undefined };
}

/**
 * Refuse to take another namespace for the node's, if a user has bound one in its place.
 * @throws DpctlError NODE_NETNS_REPLACED, exit 3
 */
export function refuseOtherNamespace(node: Node, { netns }: State): void {
  if (netns === undefined || netns === String(netnsCookie(node.netnsFd()))) return;
  const path = hostPath(node.paths.netns);
  // If nothing is bound, the open one is the caller's own, as the node's is gone.
  if (!isNsfs(node.paths.netns)) return;
  throw new DpctlError('NODE_NETNS_REPLACED', `${path} is not this node's network namespace`, {
    exitCode: 3,
    hint: advice`${exec`umount ${path}`}${REPEAT}`,
    details: { path },
  });
}

/**
 * Leave a namespace that has lost its name for the caller's: whatever can be made again is removed there, and
 * records that only applied there are dropped. reconcile makes the rest.
 * @returns false if the namespace was not lost
 * @throws DpctlError NODE_NETNS_CHANGED, exit 3, if the caller is not in the namespace that has the name
 */
export async function adoptNamespace(node: Node): Promise<boolean> {
  const lost = lostNamespace(node);
  if (lost === undefined) return false;
  const { name, isAnew } = lost;
  if (name !== undefined && isAnew && named(name) !== inodeOf('/proc/self/ns/net')) {
    throw new DpctlError('NODE_NETNS_CHANGED', `this is not ${name}, the namespace of this node`, {
      exitCode: 3,
      hint: advice`${exec`ip netns exec ${name}`} ${run`reconcile --adopt`}`,
      details: { name },
    });
  }
  const release = await node.store.lock();
  try {
    const loaded = await node.store.load();
    const before = loaded.state;
    for (const endpoint of before.endpoints) {
      const host = endpoint.adopted === undefined ? hostEndOf(node, endpoint) : undefined;
      if (host !== undefined) linkDelete(node.rtnl(), { ifindex: host.ifindex });
    }
    for (const [kind, device] of overlayDevices(node.rtnl(), node.netnsFd(), before.rootId)) {
      deleteOverlayDevice(node.rtnl(), { kind, ...device });
    }
    // Sysctls and the underlay belonged to the old namespace.
    await node.store.save(loaded, {
      ...before,
      sysctls: [],
      resolvedUnderlay: undefined,
      netns: undefined,
      unfinished: true,
    });
    node.close();
    await unbindNetns(node.paths.netns);
  } finally {
    release();
  }
  return true;
}
