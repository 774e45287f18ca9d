/** How each step of a plan is carried out, and how it is undone. */

import { deleteFdb, forgetLearned, putFdb } from '../../datapath/fdb-control.js';
import { attachHook, detachHook } from '../../datapath/hook.js';
import { nftApply, nftDelete } from '../../datapath/nft/nft.js';
import { deleteRaw, putRaw } from '../../datapath/tables.js';
import { linkDelete, linkGet } from '../../linux/netlink/link.js';
import { withNetnsPath } from '../../linux/netns.js';
import { sysctlFind, sysctlSet } from '../../linux/sysctl.js';
import { type RawEntry, tableEntry } from '../../model/desired/table-entry.js';
import { isLearned, type Step, type SysctlValue, statsKey } from '../../model/plan/plan.js';
import { announce } from '../endpoint/announce.js';
import { datapathOf, hostPins, type Node } from '../node/node.js';
import { executeOverlay, undoOverlay } from '../underlay/steps.js';
import {
  changeAddress,
  changeRoute,
  createPair,
  setHost,
  setInner,
  setLoopback,
} from './devices.js';
import { allowAddress } from './ip6.js';
import { bindNamespace, removeNamespace } from './namespaces.js';

/** What a run of steps tells its caller. */
export interface Applied {
  hook: 'tcx' | 'clsact' | undefined;
  /** Descriptors of the namespaces that it makes, by path. */
  readonly namespaces?: ReadonlyMap<string, number>;
}

/** Carry out one step. */
export async function execute(node: Node, step: Step, applied: Applied): Promise<void> {
  switch (step.op) {
    case 'netns.create':
      await bindNamespace(step.endpoint, applied);
      return;
    case 'netns.delete':
      await removeNamespace(node, step.endpoint);
      return;
    case 'pair.create':
      createPair(node, step.port);
      return;
    case 'pair.delete':
      linkDelete(node.rtnl(), { ifindex: step.ifindex });
      return;
    case 'host.set':
      setHost(node, step.ifindex, step.set);
      return;
    case 'inner.set':
      setInner(node, step.endpoint, step.set);
      return;
    case 'loopback.up':
      setLoopback(node, step.endpoint, true);
      return;
    case 'loopback.down':
      setLoopback(node, step.endpoint, false);
      return;
    case 'address.add':
      allowAddress(node, step.endpoint, step.address);
      changeAddress(node, step.endpoint, step.address, true);
      return;
    case 'address.delete':
      changeAddress(node, step.endpoint, step.address, false);
      return;
    case 'route.add':
      changeRoute(node, step.endpoint, step.gateway, true);
      return;
    case 'route.delete':
      changeRoute(node, step.endpoint, step.gateway, false);
      return;
    case 'endpoint.announce':
      announce(node, step.endpoint);
      return;
    case 'tc.attach':
      applied.hook = attachHook(hostPins(node), node.netnsFd(), step.id, step.ifindex);
      return;
    case 'tc.detach':
      detachHook(hostPins(node), node.netnsFd(), step.id, step.ifindex);
      return;
    case 'table.put':
      put(node, step.entry);
      return;
    case 'table.delete':
      remove(node, step.entry);
      return;
    case 'stats.clear':
      clearStats(node, step.id);
      return;
    case 'fdb.forget':
      forgetLearned(datapathOf(node), (entry) => entry.node === 0 && entry.endpoint === step.id);
      return;
    case 'overlay.create':
    case 'overlay.delete':
    case 'overlay.attach':
    case 'overlay.detach':
    case 'node.forget':
      executeOverlay(node, step);
      return;
    case 'sysctl.set':
      setSysctl(node, step.key, step.value, step.then);
      return;
    case 'nft.apply':
      await withNetnsPath(node.netnsFd(), async (path) => {
        await nftApply(path, step.table, { masquerades: step.rules, host: step.host });
        if (step.replaces !== undefined) await nftDelete(path, step.replaces);
      });
      return;
  }
}

/**
 * Undo one step that was carried out. What is learned from traffic or counted is not brought
 * back: it comes again by itself.
 */
export async function undo(node: Node, step: Step): Promise<void> {
  switch (step.op) {
    case 'netns.create':
      await removeNamespace(node, step.endpoint);
      return;
    case 'pair.create':
      linkDelete(node.rtnl(), { name: step.port.endpoint.hostIfname });
      return;
    case 'host.set':
      setHost(node, step.ifindex, step.was);
      return;
    case 'inner.set':
      setInner(node, step.endpoint, step.was);
      return;
    case 'loopback.up':
      setLoopback(node, step.endpoint, false);
      return;
    case 'loopback.down':
      setLoopback(node, step.endpoint, true);
      return;
    case 'address.add':
      changeAddress(node, step.endpoint, step.address, false);
      return;
    case 'address.delete':
      changeAddress(node, step.endpoint, step.address, true);
      return;
    case 'route.add':
      changeRoute(node, step.endpoint, step.gateway, false);
      return;
    case 'route.delete':
      changeRoute(node, step.endpoint, step.gateway, true);
      return;
    case 'tc.attach':
      // Switched over from another build: this one's program does the same, and nothing is cut off.
      if (step.was === undefined) {
        detachHook(hostPins(node), node.netnsFd(), step.id, step.ifindex);
      }
      return;
    case 'tc.detach':
      if (step.ifindex !== 0 && linkGet(node.rtnl(), { ifindex: step.ifindex }) !== undefined) {
        attachHook(hostPins(node), node.netnsFd(), step.id, step.ifindex);
      }
      return;
    case 'table.put':
      if (step.was !== undefined && !isLearned(step.was)) put(node, step.was);
      else remove(node, step.entry);
      return;
    case 'table.delete':
      put(node, step.entry);
      return;
    case 'sysctl.set':
      setSysctl(node, step.key, step.was, step.wasThen);
      return;
    case 'nft.apply':
      await withNetnsPath(node.netnsFd(), (path) =>
        nftApply(path, step.table, { masquerades: step.was, host: step.wasHost }),
      );
      return;
    case 'overlay.create':
    case 'overlay.delete':
    case 'overlay.attach':
    case 'overlay.detach':
    case 'node.forget':
      undoOverlay(node, step);
      return;
    case 'netns.delete':
    case 'pair.delete':
    case 'endpoint.announce':
    case 'stats.clear':
    case 'fdb.forget':
      return;
  }
}

function put(node: Node, entry: RawEntry): void {
  if (entry.table === 'fdb') putFdb(datapathOf(node), entry);
  else putRaw(node.tables(), entry);
}

function remove(node: Node, entry: RawEntry): void {
  if (entry.table === 'fdb') deleteFdb(datapathOf(node), entry);
  else deleteRaw(node.tables(), entry.table, entry.key);
}

function setSysctl(
  node: Node,
  key: string,
  value: string,
  then: readonly SysctlValue[] = [],
): void {
  sysctlSet(node.netnsFd(), key, value);
  for (const device of then) {
    // One that is gone has no parameters to be put back.
    if (sysctlFind(node.netnsFd(), device.key) === undefined) continue;
    sysctlSet(node.netnsFd(), device.key, device.value);
  }
}

function clearStats(node: Node, id: number): void {
  const map = node.tables().map('epstat');
  const entry: RawEntry = {
    table: 'epstat',
    key: statsKey(id),
    value: new Uint8Array(map.bufferSize),
  };
  putRaw(node.tables(), entry);
  putRaw(node.tables(), tableEntry('learned', id, { count: 0 }));
}

/**
 * Milliseconds that the kernel is given to take the devices of a deleted namespace away: one thread of
 * its does it for all namespaces of the machine, one after the other.
 */
