import test from 'ava';
import fc from 'fast-check';
import {
  attribute,
  concat,
  decodeAttributes,
  decodeMessages,
  encodeMessage,
  listAttributes,
  nested,
  readInt32,
  readText,
  readUint,
  text,
  u8,
  u16,
  u32,
} from '../../loader/netlink/codec.js';
import {
  ipBytes,
  ipText,
  macBytes,
  macText,
  prefixBytes,
} from '../../src/linux/netlink/address-bytes.js';
import { refusal } from './helpers/namespaces.js';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

test('a message has the bytes that strace shows for ip(8)', (t) => {
  // RTM_GETLINK, NLM_F_REQUEST|NLM_F_ACK, one IFLA_IFNAME "eth0" with its NUL, padded to 12 bytes.
  const body = concat([new Uint8Array(16), attribute(3, text('eth0'))]);
  t.is(
    hex(encodeMessage(18, 0x5, 7, body)),
    `2c000000${'1200'}${'0500'}${'07000000'}${'00000000'}${'00'.repeat(16)}` +
      `${'0900'}${'0300'}${'6574683000'}${'000000'}`,
  );
});

test('a nested attribute carries the nested flag and the lengths of its children', (t) => {
  const bytes = nested(18, [attribute(1, text('veth')), attribute(2, u32(1))]);
  t.is(hex(bytes), `1800${'1280'}` + `0900${'0100'}7665746800000000` + `0800${'0200'}01000000`);
  const outer = decodeAttributes(bytes);
  t.deepEqual([...outer.keys()], [18]);
  const inner = decodeAttributes(outer.get(18) ?? new Uint8Array());
  t.is(readText(inner.get(1)), 'veth');
  t.is(readUint(inner.get(2)), 1);
});

test('attributes come back as they were written, whatever they hold', (t) => {
  const one = fc.record({ type: fc.integer({ min: 0, max: 0x3fff }), payload: fc.uint8Array() });
  fc.assert(
    fc.property(fc.array(one), (list) => {
      const bytes = concat(list.map(({ type, payload }) => attribute(type, payload)));
      t.is(bytes.length % 4, 0);
      t.deepEqual(
        listAttributes(bytes).map(({ type, payload }) => ({ type, payload: [...payload] })),
        list.map(({ type, payload }) => ({ type, payload: [...payload] })),
      );
    }),
  );
});

test('several messages in one datagram are separated', (t) => {
  const datagram = concat([
    encodeMessage(16, 2, 5, u32(1)),
    encodeMessage(16, 2, 5, concat([u16(2), u16(0)])),
    encodeMessage(3, 2, 5, u32(0)),
  ]);
  t.deepEqual(
    decodeMessages(datagram).map(({ type, sequence, body }) => [type, sequence, body.length]),
    [
      [16, 5, 4],
      [16, 5, 4],
      [3, 5, 4],
    ],
  );
});

test('a truncated datagram is an error, not a shorter answer', (t) => {
  const message = encodeMessage(16, 0, 1, attribute(3, text('eth0')));
  t.throws(() => decodeMessages(message.subarray(0, message.length - 4)), {
    instanceOf: RangeError,
  });
  t.throws(() => listAttributes(attribute(3, text('eth0')).subarray(0, 6)), {
    instanceOf: RangeError,
  });
});

test('scalars are read by their length', (t) => {
  t.is(readUint(u8(200)), 200);
  t.is(readUint(u16(0xfffe)), 0xfffe);
  t.is(readUint(u32(0xfffffffe)), 0xfffffffe);
  t.is(readInt32(u32(-1)), -1);
  t.is(readUint(new Uint8Array(3)), undefined);
  t.is(readUint(undefined), undefined);
});

test('a name with a NUL and an attribute past 64 KiB never reach the kernel', (t) => {
  t.throws(() => text('eth\0'), { instanceOf: RangeError });
  t.throws(() => attribute(1, new Uint8Array(65_536)), { instanceOf: RangeError });
});

test('addresses keep network order and come back in their usual text', (t) => {
  t.is(hex(macBytes('0A:58:0a:c9:00:02')), '0a580ac90002');
  t.is(macText(macBytes('0a-58-0a-c9-00-02')), '0a:58:0a:c9:00:02');
  t.is(hex(ipBytes('10.201.0.2').bytes), '0ac90002');
  t.is(ipText(ipBytes('FD00:0:0:0:0:0:0:2').bytes), 'fd00::2');
  t.is(prefixBytes('fd00::/64').prefixLength, 64);
  t.is(ipText(new Uint8Array([...new Uint8Array(10), 255, 255, 10, 0, 0, 1])), '::ffff:a00:1');
});

test('user input that is no address, prefix or MAC is refused', (t) => {
  const zone = refusal(() => ipBytes('fe80::1%eth0'));
  t.is(zone.code, 'ADDRESS_INVALID');
  t.is(zone.exitCode, 1);
  t.is(refusal(() => prefixBytes('10.0.0.0')).code, 'PREFIX_INVALID', 'no length');
  t.is(refusal(() => macBytes('0a:58:0a:c9:00')).code, 'MAC_INVALID');
});
