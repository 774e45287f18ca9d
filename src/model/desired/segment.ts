/** What the datapath knows of the subnets of a network with a gateway. Pure. */
import { ipToBytes16 } from '../address/ip.js';
import type { Network } from '../state/state.js';
import { type RawEntry, tableEntry } from './table-entry.js';

const NONE = new Uint8Array(16);

/** The subnets of a network with a gateway; none without one. */
export function segmentEntries({ index, gateway, subnet4, subnet6 }: Network): RawEntry[] {
  if (gateway === undefined) return [];
  const [ip4, mask4] = subnetOf(subnet4);
  const [ip6, mask6] = subnetOf(subnet6);
  return [tableEntry('segment', index, { ip4, mask4, ip6, mask6 })];
}

/** Address and mask in the tables' form. */
function subnetOf(subnet: string | undefined): [ip: Uint8Array, mask: Uint8Array] {
  const [address, length] = subnet?.split('/') ?? [];
  if (address === undefined || length === undefined) return [NONE, NONE];
  const bits = Number(length) + (address.includes(':') ? 0 : 96);
  const mask = Uint8Array.from({ length: 16 }, (_, at) => {
    const ones = Math.min(8, Math.max(0, bits - 8 * at));
    return (0xff << (8 - ones)) & 0xff;
  });
  return [ipToBytes16(address), mask];
}
