/** Steps that make an endpoint's devices and attach its program. */
import type { Port } from '../desired/desired.js';
import { endpointAlias } from '../state/ownership-mark.js';
import { formerGso } from './leave.js';
import type { ObservedDevice, ObservedPort } from './observed.js';
import { type DeviceSettings, type Step, setSteps } from './step.js';

/**
 * What a plan can build on. A pair that dpctl made and that lost its far end (moved or renamed by a user)
 * cannot be used; the owner of an adopted one must repair it.
 */
export function usablePort(port: Port, found: ObservedPort | undefined): ObservedPort | undefined {
  if (found === undefined || !isBroken(port, found)) return found;
  return {
    ...found,
    host: undefined,
    hook: undefined,
    addresses: [],
    ownAddresses: [],
    gateways: [],
  };
}

function isBroken({ endpoint }: Port, found: ObservedPort): boolean {
  return (
    endpoint.adopted === undefined &&
    found.namespace === 'reachable' &&
    found.host !== undefined &&
    found.inner === undefined
  );
}

/** Make both ends, and the namespace if dpctl has to make it. */
export function deviceSteps(port: Port, found: ObservedPort | undefined): Step[] {
  const steps: Step[] = [];
  const { endpoint } = port;
  if (found?.host !== undefined) {
    if (!isBroken(port, found)) return [];
    const { name, ifindex } = found.host;
    steps.push({ op: 'pair.delete', name, ifindex, orphan: true, endpoint });
  }
  if (endpoint.namespace.created && found?.namespace === 'gone') {
    steps.push({ op: 'netns.create', endpoint });
  }
  steps.push({ op: 'pair.create', port });
  return steps;
}

/** Run this build's program on the host end. */
export function hookSteps(port: Port, found: ObservedPort | undefined, programId: number): Step[] {
  const { id, ifindex } = port.endpoint;
  const was = found?.hook;
  if (was?.programId === programId && programId !== 0 && was.both !== true) return [];
  return [{ op: 'tc.attach', id, ifindex, was }];
}

/** Bring both ends up with the requested settings; the program already runs on the host end. */
export function settingSteps(port: Port, found: ObservedPort | undefined): Step[] {
  const { endpoint } = port;
  const { mac, mtu } = endpoint;
  const steps: Step[] = [];
  const alias = endpointAlias(endpoint);
  const host = found?.host ?? bornDevice(endpoint.ifindex, endpoint.hostIfname, mtu, '', alias);
  steps.push(...hostSteps(port, host));
  const lost = found?.host !== undefined && found.inner === undefined;
  if (found?.namespace === 'unreachable' || lost) return steps;
  const inner = found?.inner ?? bornDevice(0, endpoint.ifname, mtu, mac, '');
  const innerAlias = endpoint.namespace.kind === 'node' ? { alias } : {};
  steps.push(
    ...setSteps('inner.set', endpoint, inner, {
      mac,
      mtu,
      up: true,
      ...gsoSetting(port, inner, endpoint.adopted?.gsoSize),
      ...innerAlias,
      ...tunnelSetting(port, inner),
    }),
  );
  if (endpoint.raisedLoopback && found?.loopbackUp !== true) {
    steps.push({ op: 'loopback.up', endpoint });
  }
  steps.push(...addressSteps(port, found));
  return steps;
}

/** Bring the host end to the requested settings. */
export function hostSteps(port: Port, host: ObservedDevice): Step[] {
  const { endpoint } = port;
  const gso = gsoSetting(port, host, endpoint.adopted?.hostGsoSize);
  const name = endpoint.adopted === undefined ? { name: endpoint.hostIfname } : {};
  const wanted = { ...name, mtu: endpoint.mtu, up: true, alias: endpointAlias(endpoint), ...gso };
  return setSteps('host.set', endpoint, host, wanted);
}

/**
 * The owner decides the sizes of an adopted veth, unless the network requires more; when it no longer does,
 * they are restored.
 */
function gsoSetting(
  { endpoint, network, gsoSize }: Port,
  device: ObservedDevice,
  former: number | undefined,
): DeviceSettings {
  if (network.bigTcp || endpoint.adopted === undefined) return { gsoSize };
  return formerGso(device, former);
}

/**
 * Segments in a tunnel cannot be put into another one whole: then the namespace segments them. For an adopted
 * veth the former setting is recorded, unless an older dpctl adopted it.
 */
function tunnelSetting({ endpoint, wholeTunnels }: Port, inner: ObservedDevice): DeviceSettings {
  const isOwners = endpoint.adopted !== undefined && !endpoint.adopted.tunnels?.length;
  if (isOwners || inner.wholeTunnels === undefined) return {};
  return { wholeTunnels };
}

/** Addresses and default routes inside. Those that dpctl did not add stay with their owner. */
function addressSteps({ endpoint, addresses, gateways }: Port, found: ObservedPort | undefined) {
  const steps: Step[] = [];
  for (const address of addresses) {
    if (!found?.addresses.includes(address)) steps.push({ op: 'address.add', endpoint, address });
  }
  for (const gateway of found?.gateways ?? []) {
    if (!gateways.includes(gateway)) steps.push({ op: 'route.delete', endpoint, gateway });
  }
  for (const address of found?.ownAddresses ?? []) {
    if (!addresses.includes(address)) steps.push({ op: 'address.delete', endpoint, address });
  }
  for (const gateway of gateways) {
    if (!found?.gateways.includes(gateway)) steps.push({ op: 'route.add', endpoint, gateway });
  }
  return steps;
}

/** A device as `pair.create` makes it: down, with its addresses and MTU. */
function bornDevice(
  ifindex: number,
  name: string,
  mtu: number,
  mac: string,
  alias: string,
): ObservedDevice {
  return { ifindex, name, mac, mtu, up: false, alias, gsoSize: 65_536, wholeTunnels: true };
}
