/** A table entry in words: for --dry-run, and for what reconcile reports. */
import { bytes16ToIp, familyOf, IP_BITS } from '../address/ip.js';
import { bytesToMac } from '../address/mac.js';
import { decodeKey, decodeValue, type RawEntry } from './table-entry.js';

/** Key and target of a table entry, in the style of `bridge fdb` or `ip neigh`. */
export function entryText({ table, key, value }: RawEntry): string {
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
    case 'nodeprefix': {
      const { vni, ip, prefixlen } = decodeKey('nodeprefix', key);
      const { node } = decodeValue('nodeprefix', value);
      return `${mappedPrefixText(ip, prefixlen - 32)} vni ${vni} ${node === 0 ? 'own' : `node ${node}`}`;
    }
    default:
      return Buffer.from(key).toString('hex');
  }
}

/**
 * A prefix in the form of the tables as ADDRESS/LENGTH.
 * @param bits that count of the 16 bytes, in which IPv4 is ::ffff:a.b.c.d
 */
export function mappedPrefixText(ip: Uint8Array, bits: number): string {
  const address = bytes16ToIp(ip);
  return `${address}/${bits - (IP_BITS[6] - IP_BITS[familyOf(address)])}`;
}
