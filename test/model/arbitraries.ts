/** Random addresses, requests and states for the property tests of model/ and store/. */
import fc from 'fast-check';
import { type Family, formatIp, type Ip } from '../../src/model/address/ip.js';
import type { EndpointRequest } from '../../src/model/endpoint/attach.js';
import type { NetworkRequest } from '../../src/model/network/networks.js';
import type { NamespaceRef } from '../../src/model/state/state.js';

/** Any IPv4 address. */
export const ip4: fc.Arbitrary<Ip> = fc
  .integer({ min: 0, max: 0xffffffff })
  .map((value) => ({ family: 4, value: BigInt(value) }));

/** Any IPv6 address, half of them with runs of zeros; none is IPv4 in IPv6 form. */
export const ip6: fc.Arbitrary<Ip> = fc
  .oneof(
    fc.bigInt({ min: 0n, max: (1n << 128n) - 1n }),
    fc
      .array(fc.constantFrom(0n, 0n, 1n, 0xffffn), { minLength: 8, maxLength: 8 })
      .map((groups) => groups.reduce<bigint>((value, group) => (value << 16n) | group, 0n)),
  )
  .filter((value) => value >> 32n !== 0xffffn)
  .map((value) => ({ family: 6, value }));

/** Any address. */
export const ip: fc.Arbitrary<Ip> = fc.oneof(ip4, ip6);

/** Six random bytes. */
export const macBytes: fc.Arbitrary<Uint8Array> = fc.uint8Array({ minLength: 6, maxLength: 6 });

/** A reachable namespace. There are few of them, so that requests meet the same one again. */
export function namespace(n: number): NamespaceRef {
  return { ref: `ns${n}`, kind: 'name', path: `/run/netns/ns${n}`, cookie: `${n}`, created: false };
}

const NETWORKS = ['default', 'blue', 'red', 'green'];
const SUBNETS = ['10.201.0.0/16', '10.1.0.0/29', '10.2.0.0/30', '10.1.0.0/16', 'fd00:c9::/64'];

/** A request with some of its fields and at most two of the others, as users write them. */
function few<T extends object, K extends keyof T>(
  required: readonly K[],
  whole: fc.Arbitrary<T>,
): fc.Arbitrary<Pick<T, K> & Partial<T>> {
  return fc.tuple(whole, fc.array(fc.nat(), { maxLength: 2 })).map(([request, picks]) => {
    const keys = Object.keys(request) as (keyof T)[];
    const kept = new Set<keyof T>(required);
    for (const pick of picks) kept.add(keys[pick % keys.length] as keyof T);
    const entries = Object.entries(request).filter(([key]) => kept.has(key as keyof T));
    return Object.fromEntries(entries) as Pick<T, K> & Partial<T>;
  });
}

/** A request for one of few networks, so that conflicts are common. */
export const networkRequest: fc.Arbitrary<NetworkRequest> = few(
  ['name'],
  fc.record({
    name: fc.constantFrom(...NETWORKS),
    vni: fc.constantFrom(1, 2, 3, 4000),
    subnets: fc.subarray([...SUBNETS, 'fd00:1::/125', '10.3.0.0/31', '10.4.0.0/32']),
    ranges: fc.subarray(['10.1.0.0/30', '10.201.7.0/24', 'fd00:c9::7:0/112']),
    ageing: fc.constantFrom(0, 60, 300),
    gateway: fc.constantFrom(true, false, ['10.1.0.2'], ['10.201.0.9', 'fd00:c9::9']),
    masquerade: fc.boolean(),
    bigTcp: fc.boolean(),
    floodUnknown: fc.boolean(),
    learnNodes: fc.boolean(),
    groupFwdMask: fc.integer({ min: 0, max: 0x1fff }).map((bits) => bits * 8),
  }),
);

/** A request of one of few namespaces for one of few networks and addresses. */
export const endpointRequest: fc.Arbitrary<Omit<EndpointRequest, 'ifindex'>> = few(
  ['namespace', 'defaultMtu'],
  fc.record({
    namespace: fc.integer({ min: 1, max: 12 }).map(namespace),
    defaultMtu: fc.constant(1500),
    ifname: fc.constantFrom('eth0', 'eth1'),
    network: fc.constantFrom(...NETWORKS),
    ips: fc.subarray(['10.201.0.5', '10.1.0.2', '10.2.0.1/30', 'fd00:c9::5', '192.0.2.7/24']),
    mac: fc.constantFrom('0a:58:0a:c9:00:02', '0A-58-0A-C9-00-03', '02:00:00:00:00:01'),
    mtu: fc.constantFrom(1280, 1500, 9000),
    isolated: fc.boolean(),
    lock: fc.boolean(),
    allowPrefixes: fc.subarray(['10.9.0.0/16', '0.0.0.0/0', '::/0']),
    labels: fc
      .subarray(['app=web', 'app=db', 'tier-', 'example.com/a=1'])
      .filter((labels) => labels.filter((each) => each.startsWith('app=')).length < 2),
  }),
);

/** The prefix of a length around an address. */
export function prefixAround(address: Ip, length: number): string {
  const host = BigInt((address.family === 4 ? 32 : 128) - length);
  const value = (address.value >> host) << host;
  return `${formatIp({ family: address.family, value })}/${length}`;
}

/** Bits of an address of a family. */
export function bits(family: Family): number {
  return family === 4 ? 32 : 128;
}
