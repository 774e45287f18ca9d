import test from 'ava';
import fc from 'fast-check';
import { DpctlError } from '../../loader/errors.js';
import { formatIp, parseIp } from '../../src/model/address/ip.js';
import { macToBytes } from '../../src/model/address/mac.js';
import { contains, hostRange, parsePrefix } from '../../src/model/address/prefix.js';
import {
  allocateIp,
  firstHost,
  freeIp,
  generateMac,
  lowestFree,
} from '../../src/model/network/ipam.js';
import { bits, ip, prefixAround } from './arbitraries.js';

/** Small subnets, of which random addresses are taken. */
const smallSubnet = fc
  .tuple(ip, fc.integer({ min: 0, max: 6 }))
  .map(([address, n]) => prefixAround(address, bits(address.family) - n))
  // A subnet that begins with ::ffff:0:0 would be IPv4 in IPv6 form.
  .filter((subnet) => !subnet.startsWith('::ffff'));

test('addresses are handed out lowest first, each once and none outside, until the subnet is full', (t) => {
  fc.assert(
    fc.property(smallSubnet, fc.array(fc.nat(63)), (subnet, picks) => {
      const prefix = parsePrefix(subnet);
      const { first, last } = hostRange(prefix);
      const address = (value: bigint): string => formatIp({ family: prefix.family, value });
      const taken = new Set(picks.map((pick) => `${address(prefix.value + BigInt(pick))}/24`));
      const before = new Set([...taken].map((text) => text.split('/')[0]));
      const given: bigint[] = [];
      for (;;) {
        const next = freeIp(subnet, taken);
        if (next === undefined) break;
        const parsed = parseIp(next);
        t.true(contains(prefix, parsed) && parsed.value >= first && parsed.value <= last);
        t.false(before.has(next));
        given.push(parsed.value);
        taken.add(next);
      }
      t.deepEqual(
        given,
        [...new Set(given)].sort((a, b) => (a < b ? -1 : 1)),
      );
      let hosts = 0;
      for (let value = first; value <= last; value++) if (!before.has(address(value))) hosts++;
      t.is(given.length, hosts);
      t.throws(() => allocateIp(subnet, taken), { instanceOf: DpctlError, code: 'SUBNET_FULL' });
    }),
  );
});

test('an address is found past the end of a block of texts', (t) => {
  const taken = Array.from({ length: 70_000 }, (_, i) =>
    formatIp({ family: 6, value: (0xfdn << 120n) + BigInt(i) }),
  );
  t.is(allocateIp('fd00::/64', taken), 'fd00::1:1170');
  const first = Array.from({ length: 255 }, (_, i) => `10.0.0.${i + 1}`);
  t.is(allocateIp('10.0.0.0/16', first), '10.0.1.0');
});

test('addresses that end in zero are in canonical form, too', (t) => {
  t.is(allocateIp('fd00::/127', []), 'fd00::');
  t.is(allocateIp('fd00:1:2:3:4:5::/127', []), 'fd00:1:2:3:4:5::');
  t.is(allocateIp('fd00::/127', ['fd00::']), 'fd00::1');
});

test('reserved addresses are not handed out', (t) => {
  t.is(allocateIp('10.1.0.0/24', ['10.1.0.2/24'], ['10.1.0.1']), '10.1.0.3');
  t.is(firstHost('10.1.0.0/24'), '10.1.0.1');
  t.is(firstHost('fd00::/64'), 'fd00::1');
  t.is(firstHost('10.1.0.0/31'), '10.1.0.0');
});

test('a full /16 is seen to be full, and a /64 is never gone through', (t) => {
  const { first, last } = hostRange(parsePrefix('10.201.0.0/16'));
  const taken: string[] = [];
  for (let value = first; value < last; value++) taken.push(formatIp({ family: 4, value }));
  t.is(taken.length, 65_533);
  t.is(allocateIp('10.201.0.0/16', taken), '10.201.255.254');
  const error = t.throws(() => allocateIp('10.201.0.0/16', [...taken, '10.201.255.254']), {
    instanceOf: DpctlError,
  });
  t.is(error?.code, 'SUBNET_FULL');
  t.regex(error?.message ?? '', /all 65534 are taken/);
  t.is(allocateIp('fd00::/64', []), 'fd00::1');
});

test('a generated MAC shows the IPv4 address, unless somebody has that MAC', (t) => {
  const mac = generateMac({ ip4: '10.201.0.2/16', seed: '1' }, new Set());
  t.is(mac, '0a:58:0a:c9:00:02');
  const other = generateMac({ ip4: '10.201.0.2/16', seed: '1' }, new Set([mac]));
  t.not(other, mac);
});

test('generated MACs are unicast, locally administered and new', (t) => {
  fc.assert(
    fc.property(
      fc.array(fc.string(), { maxLength: 50 }),
      fc.option(ip, { nil: undefined }),
      (seeds, address) => {
        const taken = new Set<string>();
        const ip4 = address?.family === 4 ? formatIp(address) : undefined;
        for (const seed of [...seeds, ...seeds]) {
          const mac = generateMac({ ip4, seed }, taken);
          t.is((macToBytes(mac)[0] ?? 0) & 3, 2);
          t.false(taken.has(mac));
          taken.add(mac);
        }
      },
    ),
  );
});

test('the lowest free number', (t) => {
  t.is(lowestFree([1, 2, 4], 1, 9), 3);
  t.is(lowestFree([], 0, 9), 0);
  t.is(lowestFree([0, 1], 0, 1), undefined);
});
