import { isIPv4, isIPv6 } from 'node:net';
import test from 'ava';
import fc from 'fast-check';
import ipaddr from 'ipaddr.js';
import { DpctlError } from '../../loader/errors.js';
import {
  bytes16ToIp,
  canonicalIp,
  formatIp,
  type Ip,
  ip4ToNumber,
  ipToBytes16,
  numberToIp4,
  parseIp,
} from '../../src/model/address/ip.js';
import { bytesToMac, canonicalMac, macToBytes, parseMac } from '../../src/model/address/mac.js';
import {
  addressOf,
  canonicalPrefix,
  contains,
  hostRange,
  lastOf,
  lengthOf,
  overlaps,
  parseAddress,
  parsePrefix,
} from '../../src/model/address/prefix.js';
import { hintText } from '../../src/model/hint.js';
import { bits, ip, ip4, macBytes, prefixAround } from './arbitraries.js';

function code(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof DpctlError && error.exitCode === 1) return error.code;
    throw error;
  }
  return 'none';
}

test('a MAC is read with colons or dashes, of either case, and written in one form', (t) => {
  for (const text of ['0a:58:0a:c9:00:02', '0A-58-0a-C9-00-02', 'a:58:A:c9:0:2']) {
    t.is(parseMac(text), '0a:58:0a:c9:00:02');
  }
});

test("a MAC that is no station's is refused by name", (t) => {
  const bad = [
    '',
    '0a:58',
    '0a:58:0a:c9:00:02:03',
    '0a:58-0a:c9-00:02',
    '0a580ac90002',
    'g:1:2:3:4:5',
  ];
  for (const text of bad)
    t.is(
      code(() => parseMac(text)),
      'MAC_INVALID',
      text,
    );
  t.is(
    code(() => parseMac('00:00:00:00:00:00')),
    'MAC_ZERO',
  );
  t.is(
    code(() => parseMac('ff:ff:ff:ff:ff:ff')),
    'MAC_MULTICAST',
  );
  t.is(canonicalMac('FF:ff:FF:ff:ff:ff'), 'ff:ff:ff:ff:ff:ff');
});

test('the MAC offered in place of a group address is a good one', (t) => {
  const error = t.throws(() => parseMac('01:00:00:00:00:00'), { instanceOf: DpctlError });
  const offered = /[0-9a-f:]{17}$/.exec(hintText(error?.hint))?.[0] ?? '';
  t.is(parseMac(offered), offered);
});

test('MACs keep their bytes', (t) => {
  fc.assert(
    fc.property(macBytes, fc.integer({ min: 0, max: 8 }), (bytes, offset) => {
      const buffer = new Uint8Array(16);
      buffer.set(bytes, offset);
      const text = bytesToMac(buffer, offset);
      t.is(canonicalMac(text), text);
      t.deepEqual(macToBytes(text), bytes);
      t.deepEqual(macToBytes(text, new Uint8Array(16), offset), buffer);
    }),
  );
});

test('an address is written as RFC 5952 says, and read back', (t) => {
  // The examples of RFC 5952, section 4.
  const examples = {
    '2001:0db8::0001': '2001:db8::1',
    '2001:db8:0:0:0:0:2:1': '2001:db8::2:1',
    '2001:db8:0:1:1:1:1:1': '2001:db8:0:1:1:1:1:1',
    '2001:0:0:1:0:0:0:1': '2001:0:0:1::1',
    '2001:db8:0:0:1:0:0:1': '2001:db8::1:0:0:1',
    '2001:DB8::A': '2001:db8::a',
    '1:2:3:4:5:6:7::': '1:2:3:4:5:6:7:0',
    '64:ff9b::192.0.2.33': '64:ff9b::c000:221',
    '0:0:0:0:0:0:0:0': '::',
    '10.201.0.5': '10.201.0.5',
  };
  for (const [given, wanted] of Object.entries(examples)) t.is(canonicalIp(given), wanted);
});

test('any address keeps its value through text and bytes, and others read it alike', (t) => {
  fc.assert(
    fc.property(ip, (address) => {
      const text = formatIp(address);
      t.deepEqual(parseIp(text), address);
      t.is(bytes16ToIp(ipToBytes16(text)), text);
      t.is(
        new URL(`http://${address.family === 6 ? `[${text}]` : text}/`).hostname.replace(
          /[[\]]/g,
          '',
        ),
        text,
      );
      const theirs = ipaddr.parse(text);
      const mapped = theirs instanceof ipaddr.IPv4 ? theirs.toIPv4MappedAddress() : theirs;
      t.deepEqual([...ipToBytes16(text)], mapped.toByteArray());
    }),
  );
});

test('what is read as an address is what the system takes for one', (t) => {
  const part = fc.constantFrom(
    '0',
    '1',
    'ffff',
    '12345',
    '',
    ':',
    '::',
    '.',
    '255',
    '256',
    '01',
    '1.2.3.4',
    'g',
  );
  const text = fc
    .array(part, { maxLength: 10 })
    .chain((parts) => fc.constantFrom(parts.join(''), parts.join(':'), parts.join('.')));
  fc.assert(
    fc.property(fc.oneof(text, ip.map(formatIp)), (candidate) => {
      const wanted = isIPv4(candidate) || isIPv6(candidate);
      let value: Ip | undefined;
      let error: unknown;
      try {
        value = parseIp(candidate);
      } catch (thrown) {
        error = thrown;
      }
      const disguised =
        error instanceof DpctlError && error.message.includes('IPv4 written as IPv6');
      t.is(value !== undefined || disguised, wanted, candidate);
    }),
    { numRuns: 2000 },
  );
});

test('addresses that programs read differently are refused', (t) => {
  const bad = [
    '010.0.0.1',
    '1.2.3',
    '0x7f.1',
    '1.2.3.4 ',
    'fe80::1%eth0',
    '::ffff:10.0.0.1',
    '1::2::3',
    '12345::',
    '10.0.0.1/8',
    '',
  ];
  for (const text of bad)
    t.is(
      code(() => parseIp(text)),
      'ADDRESS_INVALID',
      text,
    );
});

test('IPv4 in 16 bytes is ::ffff:a.b.c.d', (t) => {
  t.is(Buffer.from(ipToBytes16('10.201.0.5')).toString('hex'), '00000000000000000000ffff0ac90005');
  const buffer = new Uint8Array(20);
  t.is(bytes16ToIp(ipToBytes16('255.0.255.1', buffer, 3), 3), '255.0.255.1');
  t.is(buffer[2], 0);
});

test('IPv4 numbers are those of the dotted text', (t) => {
  fc.assert(
    fc.property(ip4, ({ value }) => {
      t.is(ip4ToNumber(numberToIp4(Number(value))), Number(value));
    }),
  );
  t.is(ip4ToNumber('10.201.0.5'), 0x0ac90005);
});

test('a prefix with bits behind its length says which one was meant', (t) => {
  const error = t.throws(() => parsePrefix('10.1.2.3/16', (meant) => `--subnet ${meant}`), {
    instanceOf: DpctlError,
    code: 'PREFIX_HOST_BITS',
  });
  t.is(hintText(error?.hint), '--subnet 10.1.0.0/16');
  t.is(error?.details.meant, '10.1.0.0/16');
  t.is(canonicalPrefix('FD00:0:0::/64'), 'fd00::/64');
  t.is(canonicalPrefix('10.0.0.1'), '10.0.0.1/32');
});

test('a length that the family does not have is refused', (t) => {
  for (const text of [
    '10.0.0.0/33',
    '::/129',
    '10.0.0.0/',
    '10.0.0.0/08',
    '10.0.0.0/-1',
    '10.0.0.0/x',
  ]) {
    t.is(
      code(() => parsePrefix(text)),
      'PREFIX_INVALID',
      text,
    );
  }
});

test('a prefix contains the addresses from its first to its last, and no other', (t) => {
  fc.assert(
    fc.property(ip, ip, fc.nat(128), (address, other, n) => {
      const length = n % (bits(address.family) + 1);
      const prefix = parsePrefix(prefixAround(address, length));
      const between =
        other.family === prefix.family &&
        other.value >= prefix.value &&
        other.value <= lastOf(prefix).value;
      t.true(contains(prefix, address));
      t.is(contains(prefix, other), between);
    }),
  );
});

test('prefixes overlap when one has an address of the other', (t) => {
  fc.assert(
    fc.property(ip4, fc.nat(32), fc.nat(32), fc.nat(7), (address, n, m, flip) => {
      const near = { ...address, value: address.value ^ (1n << BigInt(24 + flip)) };
      const a = parsePrefix(prefixAround(address, n));
      const b = parsePrefix(prefixAround(near, m));
      const wanted = a.value <= lastOf(b).value && b.value <= lastOf(a).value;
      t.is(overlaps(a, b), wanted);
      t.is(overlaps(b, a), wanted);
    }),
  );
});

test('hosts are all addresses but those that mean more than one', (t) => {
  const range = (text: string): string[] => {
    const { first, last } = hostRange(parsePrefix(text));
    const { family } = parsePrefix(text);
    return [formatIp({ family, value: first }), formatIp({ family, value: last })];
  };
  t.deepEqual(range('10.1.0.0/24'), ['10.1.0.1', '10.1.0.254']);
  t.deepEqual(range('10.1.0.4/30'), ['10.1.0.5', '10.1.0.6']);
  t.deepEqual(range('10.1.0.4/31'), ['10.1.0.4', '10.1.0.5']);
  t.deepEqual(range('10.1.0.4/32'), ['10.1.0.4', '10.1.0.4']);
  t.deepEqual(range('fd00::/126'), ['fd00::1', 'fd00::3']);
  t.deepEqual(range('fd00::/127'), ['fd00::', 'fd00::1']);
  t.deepEqual(range('fd00::/64'), ['fd00::1', 'fd00::ffff:ffff:ffff:ffff']);
});

test('ADDRESS/LENGTH comes apart, and an address alone has all its bits', (t) => {
  t.is(addressOf('10.0.0.1/8'), '10.0.0.1');
  t.is(addressOf('fd00::1'), 'fd00::1');
  t.is(lengthOf('10.0.0.1/8'), 8);
  t.is(lengthOf('10.0.0.1'), 32);
  t.is(lengthOf('fd00::1'), 128);
  t.is(parseAddress('10.0.0.1').length, undefined);
});
