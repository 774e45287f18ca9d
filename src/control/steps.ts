/** How each step of a plan is carried out, and how it is undone. */

import { errnoOf } from '../../loader/errors.js';
import { closeFd } from '../../loader/sys.js';
import { attachHook, detachHook } from '../kernel/hook.js';
import { hostPath } from '../kernel/mountns.js';
import {
  addrAdd,
  addrDelete,
  linkAddVeth,
  linkDelete,
  linkGet,
  linkSet,
  ROUTE_PROTOCOL,
  routeAdd,
  routeDelete,
} from '../kernel/netlink.js';
import { createNetns, deleteNetns } from '../kernel/netns.js';
import { nftApply } from '../kernel/nft.js';
import { sysctlSet } from '../kernel/sysctl.js';
import { deleteRaw, putRaw } from '../kernel/tables.js';
import type { Port } from '../model/desired.js';
import { type RawEntry, tableEntry } from '../model/entry.js';
import { type DeviceSettings, endpointAlias, type Step, statsKey } from '../model/plan.js';
import type { Endpoint } from '../model/state.js';
import { forgetLearned } from './forget.js';
import { namespaceGone, openNamespace, withEndpointRtnl } from './namespace.js';
import { hostPins, type Node } from './node.js';

/** What a run of steps tells its caller. */
export interface Applied {
  hook: 'tcx' | 'clsact' | undefined;
}

/** Carry out one step. */
export async function execute(node: Node, step: Step, applied: Applied): Promise<void> {
  switch (step.op) {
    case 'netns.create':
      await createNetns(step.endpoint.namespace.ref);
      return;
    case 'netns.delete':
      await deleteNetns(step.endpoint.namespace.ref);
      return;
    case 'veth.create':
      createVeth(node, step.port);
      return;
    case 'veth.delete':
      linkDelete(node.rtnl(), { ifindex: step.ifindex });
      return;
    case 'host.set':
      linkSet(node.rtnl(), step.ifindex, linkChange(step.set));
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
    case 'tc.attach':
      applied.hook = attachHook(hostPins(node), node.netnsFd(), step.id, step.ifindex);
      return;
    case 'tc.detach':
      detachHook(hostPins(node), node.netnsFd(), step.id, step.ifindex);
      return;
    case 'table.put':
      putRaw(node.tables(), step.entry);
      return;
    case 'table.delete':
      deleteRaw(node.tables(), step.entry.table, step.entry.key);
      return;
    case 'stats.clear':
      clearStats(node, step.id);
      return;
    case 'fdb.forget':
      forgetLearned(node, (entry) => entry.endpoint === step.id);
      return;
    case 'sysctl.set':
      sysctlSet(node.netnsFd(), step.key, step.value);
      return;
    case 'nft.apply':
      await nftApply(hostPath(node.paths.netns), step.rules);
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
      await deleteNetns(step.endpoint.namespace.ref);
      return;
    case 'veth.create':
      linkDelete(node.rtnl(), { name: step.port.endpoint.hostIfname });
      return;
    case 'host.set':
      linkSet(node.rtnl(), step.ifindex, linkChange(step.was));
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
      detachHook(hostPins(node), node.netnsFd(), step.id, step.ifindex);
      return;
    case 'tc.detach':
      if (step.ifindex !== 0 && linkGet(node.rtnl(), { ifindex: step.ifindex }) !== undefined) {
        attachHook(hostPins(node), node.netnsFd(), step.id, step.ifindex);
      }
      return;
    case 'table.put':
      if (step.was === undefined) deleteRaw(node.tables(), step.entry.table, step.entry.key);
      else putRaw(node.tables(), step.was);
      return;
    case 'table.delete':
      putRaw(node.tables(), step.entry);
      return;
    case 'sysctl.set':
      sysctlSet(node.netnsFd(), step.key, step.was);
      return;
    case 'nft.apply':
      await nftApply(hostPath(node.paths.netns), step.was);
      return;
    case 'netns.delete':
    case 'veth.delete':
    case 'stats.clear':
    case 'fdb.forget':
      return;
  }
}

function createVeth(node: Node, { endpoint }: Port): void {
  const fd = openNamespace(node, endpoint.namespace);
  if (fd === undefined) throw namespaceGone(endpoint);
  try {
    linkAddVeth(node.rtnl(), {
      name: endpoint.hostIfname,
      ifindex: endpoint.ifindex,
      mtu: endpoint.mtu,
      alias: endpointAlias(endpoint),
      peer: { name: endpoint.ifname, nsFd: fd, mac: endpoint.mac, mtu: endpoint.mtu },
    });
  } finally {
    closeFd(fd);
  }
}

function linkChange({ gsoSize, ...rest }: DeviceSettings) {
  if (gsoSize === undefined) return rest;
  return {
    ...rest,
    gsoMaxSize: gsoSize,
    groMaxSize: gsoSize,
    gsoIpv4MaxSize: gsoSize,
    groIpv4MaxSize: gsoSize,
  };
}

function setInner(node: Node, endpoint: Endpoint, settings: DeviceSettings): void {
  withEndpointRtnl(node, endpoint, (rtnl) => {
    linkSet(rtnl, innerIfindex(rtnl, endpoint), linkChange(settings));
  });
}

function innerIfindex(rtnl: Parameters<typeof linkGet>[0], endpoint: Endpoint): number {
  const link = linkGet(rtnl, { name: endpoint.ifname });
  if (link === undefined) throw namespaceGone(endpoint);
  return link.ifindex;
}

function setLoopback(node: Node, endpoint: Endpoint, up: boolean): void {
  withEndpointRtnl(node, endpoint, (rtnl) => {
    const lo = linkGet(rtnl, { name: 'lo' });
    if (lo !== undefined) linkSet(rtnl, lo.ifindex, { up });
  });
}

function changeAddress(node: Node, endpoint: Endpoint, text: string, add: boolean): void {
  const [address = '', length = ''] = text.split('/');
  const spec = { address, prefixLength: Number(length) };
  withEndpointRtnl(node, endpoint, (rtnl) => {
    const ifindex = innerIfindex(rtnl, endpoint);
    // The address is this endpoint's by assignment, so nobody need be asked whether it is free.
    if (add) {
      const nodad = address.includes(':');
      addrAdd(rtnl, ifindex, { ...spec, nodad, protocol: ROUTE_PROTOCOL });
    } else addrDelete(rtnl, ifindex, spec);
  });
}

function changeRoute(node: Node, endpoint: Endpoint, gateway: string, add: boolean): void {
  withEndpointRtnl(node, endpoint, (rtnl) => {
    const spec = { dst: 'default', gateway, ifindex: innerIfindex(rtnl, endpoint) };
    if (!add) {
      routeDelete(rtnl, spec);
      return;
    }
    try {
      routeAdd(rtnl, spec);
    } catch (error) {
      // The namespace has a default route of its own, which is its owner's to keep.
      if (errnoOf(error) !== 'EEXIST') throw error;
    }
  });
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
