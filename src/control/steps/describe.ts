/** Steps in words: for --dry-run, and for what reconcile says it repaired. */

import type { PlanRow } from '../../api/types.js';
import { bytes16ToIp } from '../../model/address/ip.js';
import { bytesToMac } from '../../model/address/mac.js';
import { bareAddress, driverOf } from '../../model/desired/desired.js';
import { decodeKey, decodeValue, type RawEntry } from '../../model/desired/table-entry.js';
import type { DeviceSettings, Step } from '../../model/plan/plan.js';
import type { Endpoint } from '../../model/state/state.js';

/** One line for one step. */
export function describeStep(step: Step): PlanRow {
  const row = (subject: string, detail = ''): PlanRow => ({ step: step.op, subject, detail });
  switch (step.op) {
    case 'netns.create':
    case 'netns.delete':
      return row(step.endpoint.namespace.ref);
    case 'pair.create': {
      const { endpoint } = step.port;
      const peer = `${driverOf(endpoint)} peer ${who(endpoint)} mac ${endpoint.mac}`;
      return row(endpoint.hostIfname, peer);
    }
    case 'pair.delete':
      return row(step.name, `ifindex ${step.ifindex}`);
    case 'host.set':
      return row(step.endpoint.hostIfname, settings(step.set));
    case 'inner.set':
      return row(who(step.endpoint), settings(step.set));
    case 'loopback.up':
    case 'loopback.down':
      return row(`${step.endpoint.namespace.ref}/lo`);
    case 'endpoint.announce':
      return row(who(step.endpoint), `mac ${step.endpoint.mac}`);
    case 'address.add':
    case 'address.delete':
      return row(who(step.endpoint), step.address);
    case 'route.add':
    case 'route.delete':
      return row(who(step.endpoint), `default via ${bareAddress(step.gateway)}`);
    case 'tc.attach':
    case 'tc.detach':
      return row(`endpoint ${step.id}`, step.ifindex === 0 ? '' : `ifindex ${step.ifindex}`);
    case 'table.put':
    case 'table.delete':
      return row(step.entry.table, entryText(step.entry));
    case 'stats.clear':
    case 'fdb.forget':
      return row(`endpoint ${step.id}`);
    case 'overlay.create':
    case 'overlay.delete': {
      const { kind, name, port } = step.device;
      return row(name, kind === 'anchor' ? `${kind} port ${port}` : kind);
    }
    case 'overlay.attach':
    case 'overlay.detach':
      return row(step.program, step.ifindex === 0 ? '' : `ifindex ${step.ifindex}`);
    case 'node.forget':
      return row(`node ${step.number}`);
    case 'sysctl.set':
      return row(step.key.replaceAll('/', '.'), `${step.was} -> ${step.value}`);
    case 'nft.apply':
      return row(`table inet ${step.table}`, firewallText(step));
  }
}

function firewallText({ rules, host }: Extract<Step, { op: 'nft.apply' }>): string {
  const masquerades = rules.map(({ subnet }) => subnet).join(' ');
  return [masquerades, host.length > 0 ? `${host.length} guards` : ''].filter(Boolean).join(', ');
}

function who({ namespace, ifname }: Endpoint): string {
  return `${namespace.kind === 'node' ? 'host' : namespace.ref}/${ifname}`;
}

function settings(set: DeviceSettings): string {
  return Object.entries(set)
    .map(([key, value]) => `${key} ${value}`)
    .join(' ');
}

/** Key and target of a table's entry as `bridge fdb` or `ip neigh` would say it. */
function entryText({ table, key, value }: RawEntry): string {
  switch (table) {
    case 'fdb': {
      const { vni, mac } = decodeKey('fdb', key);
      const { ifindex, node } = decodeValue('fdb', value);
      return `${bytesToMac(mac)} vni ${vni} ${node === 0 ? `ifindex ${ifindex}` : `node ${node}`}`;
    }
    case 'neigh': {
      const { vni, ip } = decodeKey('neigh', key);
      return `${bytes16ToIp(ip)} vni ${vni} mac ${bytesToMac(decodeValue('neigh', value).mac)}`;
    }
    case 'port': {
      const { network, slot } = decodeKey('port', key);
      return `network ${network} slot ${slot} ifindex ${decodeValue('port', value).ifindex}`;
    }
    case 'network': {
      const { vni, ageing, slots } = decodeValue('network', value);
      return `vni ${vni} ageing ${ageing} slots ${slots}`;
    }
    case 'endpoint':
    case 'endpointx':
      return `ifindex ${decodeKey(table, key)} id ${decodeValue(table, value).id}`;
    case 'underlay': {
      const { local, port, mtu, ifindex } = decodeValue('underlay', value);
      return `local ${bytes16ToIp(local)} port ${port} mtu ${mtu} ifindex ${ifindex}`;
    }
    case 'node':
      return `${decodeKey('node', key)} dst ${bytes16ToIp(decodeValue('node', value).vtep)}`;
    case 'vtep':
      return `${bytes16ToIp(decodeKey('vtep', key).ip)} node ${decodeValue('vtep', value).node}`;
    case 'vni':
      return `vni ${decodeKey('vni', key)} network ${decodeValue('vni', value).network}`;
    case 'replica':
      return `network ${decodeKey('replica', key).network} node ${decodeValue('replica', value).node}`;
    case 'prefix': {
      const { endpoint, ip, prefixlen } = decodeKey('prefix', key);
      return `endpoint ${endpoint} ${bytes16ToIp(ip)} bits ${prefixlen - 32}`;
    }
    default:
      return Buffer.from(key).toString('hex');
  }
}
