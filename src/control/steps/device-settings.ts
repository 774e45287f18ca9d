/** host.set, inner.set, loopback.up and loopback.down: settings of existing devices. */
import { errnoOf } from '../../../loader/errors.js';
import { linkGet, linkSet } from '../../linux/netlink/link.js';
import { setTunnels } from '../../linux/offload.js';
import type { DeviceSettings, StepOf } from '../../model/plan/plan.js';
import type { Endpoint } from '../../model/state/state.js';
import { requireInner, withEndpointRtnl } from '../endpoint/namespace.js';
import type { Node } from '../node/node.js';
import { endpointSubject, type StepActions, type StepText } from './actions.js';

/** Change settings of the host end. */
export const hostSet: StepActions<StepOf<'host.set'>> = {
  execute: (node, { ifindex, set }) => setHost(node, ifindex, set),
  undo: (node, { ifindex, was }) => setHost(node, ifindex, was),
  describe: ({ endpoint, set }) => ({ subject: endpoint.hostIfname, detail: settingsText(set) }),
};

/** Change settings of the interface inside. */
export const innerSet: StepActions<StepOf<'inner.set'>> = {
  execute: (node, { endpoint, set }) => setInner(node, endpoint, set),
  undo: (node, { endpoint, was }) => setInner(node, endpoint, was),
  describe: ({ endpoint, set }) => ({
    subject: endpointSubject(endpoint),
    detail: settingsText(set),
  }),
};

/** Bring the loopback of the namespace up. */
export const loopbackUp: StepActions<StepOf<'loopback.up'>> = {
  execute: (node, { endpoint }) => setLoopback(node, endpoint, true),
  undo: (node, { endpoint }) => setLoopback(node, endpoint, false),
  describe: loopbackText,
};

/** Take the loopback of the namespace down, as it was before the first endpoint. */
export const loopbackDown: StepActions<StepOf<'loopback.down'>> = {
  execute: (node, { endpoint }) => setLoopback(node, endpoint, false),
  undo: (node, { endpoint }) => setLoopback(node, endpoint, true),
  describe: loopbackText,
};

function loopbackText({ endpoint }: { readonly endpoint: Endpoint }): StepText {
  return { subject: `${endpoint.namespace.ref}/lo` };
}

function settingsText(set: DeviceSettings): string {
  return Object.entries(set)
    .map(([key, value]) => `${key} ${value}`)
    .join(' ');
}

/** Settings of a plan as rtnetlink takes them. */
function linkChange({ gsoSize, wholeTunnels: _, ...rest }: DeviceSettings) {
  if (gsoSize === undefined) return rest;
  return {
    ...rest,
    gsoMaxSize: gsoSize,
    groMaxSize: gsoSize,
    gsoIpv4MaxSize: gsoSize,
    groIpv4MaxSize: gsoSize,
  };
}

/** Before Linux 6.2 a device can be renamed only while it is down. */
function setHost(node: Node, ifindex: number, settings: DeviceSettings): void {
  const { name, ...change } = linkChange(settings);
  if (name !== undefined) {
    try {
      linkSet(node.rtnl(), ifindex, { name });
    } catch (error) {
      if (errnoOf(error) !== 'EBUSY') throw error;
      linkSet(node.rtnl(), ifindex, { up: false });
      linkSet(node.rtnl(), ifindex, { name });
      change.up ??= true;
    }
  }
  if (Object.keys(change).length > 0) linkSet(node.rtnl(), ifindex, change);
}

/** @throws DpctlError NETNS_GONE */
function setInner(node: Node, endpoint: Endpoint, settings: DeviceSettings): void {
  const { wholeTunnels } = settings;
  const change = linkChange(settings);
  withEndpointRtnl(node, endpoint, (rtnl, nsFd) => {
    if (wholeTunnels !== undefined) {
      const former = endpoint.adopted?.tunnels ?? true;
      setTunnels(nsFd, endpoint.ifname, wholeTunnels && former);
    }
    if (Object.keys(change).length === 0) return;
    linkSet(rtnl, requireInner(rtnl, endpoint), change);
  });
}

function setLoopback(node: Node, endpoint: Endpoint, up: boolean): void {
  withEndpointRtnl(node, endpoint, (rtnl) => {
    const lo = linkGet(rtnl, { name: 'lo' });
    if (lo !== undefined) linkSet(rtnl, lo.ifindex, { up });
  });
}
