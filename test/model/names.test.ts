import test from 'ava';
import fc from 'fast-check';
import { DpctlError } from '../../loader/errors.js';
import { hintText } from '../../src/model/hint.js';
import {
  checkAgeing,
  checkIfname,
  checkMtu,
  checkNetworkName,
  checkNodeName,
  checkVni,
  parseAgeing,
  parseMtu,
  parseVni,
} from '../../src/model/state/names.js';

function code(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof DpctlError && error.exitCode === 1 && error.hint) return error.code;
    throw error;
  }
  return 'none';
}

test('names of networks', (t) => {
  for (const name of ['a', 'default', 'tenant-7', 'A.b_c', '0', 'x'.repeat(32)]) {
    t.is(checkNetworkName(name), name);
  }
  for (const name of ['', '-a', '.a', 'a/b', 'a b', 'ä', 'a\n', 'x'.repeat(33)]) {
    t.is(
      code(() => checkNetworkName(name)),
      'NETWORK_NAME_INVALID',
      JSON.stringify(name),
    );
  }
});

test('names of nodes', (t) => {
  for (const name of ['a', 'node7', 'rack2.node7', '0', 'x'.repeat(32)]) {
    t.is(checkNodeName(name), name);
  }
  for (const name of [
    '',
    '.',
    '..',
    '-a',
    'a/b',
    'a b',
    'a\n',
    '\u001b[31m',
    '%s',
    'a'.repeat(33),
  ]) {
    t.is(
      code(() => checkNodeName(name)),
      'NODE_NAME_INVALID',
      JSON.stringify(name),
    );
  }
});

test('names of interfaces are those that the kernel takes', (t) => {
  for (const name of ['eth0', 'a', 'x'.repeat(15), 'a.100', 'é', '@if', 'veth-1_2']) {
    t.is(checkIfname(name), name);
  }
  const bad = [
    '',
    '.',
    '..',
    'a/b',
    'a:b',
    'a b',
    'a\tb',
    'a\u0000',
    'eth%d',
    'lo',
    'all',
    'default',
  ];
  for (const name of [...bad, 'x'.repeat(16), 'é'.repeat(8)]) {
    t.is(
      code(() => checkIfname(name)),
      'IFNAME_INVALID',
      JSON.stringify(name),
    );
  }
});

test('a name that is taken never leaves its alphabet', (t) => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 20 }), (name) => {
      if (code(() => checkNetworkName(name)) === 'none') {
        t.regex(name, /^[\w.-]{1,32}$/);
      }
      if (code(() => checkIfname(name)) === 'none') {
        t.true(Buffer.byteLength(name) <= 15);
        t.notRegex(name, /[\s/:]/);
      }
    }),
  );
});

test('VNIs have 24 bits and are not zero', (t) => {
  t.is(checkVni(1), 1);
  t.is(parseVni('16777215'), 16_777_215);
  for (const text of ['0', '16777216', '-1', '1.5', '0x10', '', 'x', '1e3']) {
    t.is(
      code(() => parseVni(text)),
      'VNI_OUT_OF_RANGE',
      text,
    );
  }
  t.is(
    code(() => checkVni(1.5)),
    'VNI_OUT_OF_RANGE',
  );
});

test('ageing is seconds, or a number with a unit', (t) => {
  const good = { '0': 0, '300': 300, '300s': 300, '5m': 300, '1h': 3600, '365d': 31_536_000 };
  for (const [text, seconds] of Object.entries(good)) t.is(parseAgeing(text), seconds);
  for (const text of ['', 's', '5 m', '5M', '-1', '1.5', 'never']) {
    t.is(
      code(() => parseAgeing(text)),
      'AGEING_INVALID',
      text,
    );
  }
  t.is(
    code(() => parseAgeing('366d')),
    'AGEING_OUT_OF_RANGE',
  );
  t.is(
    code(() => checkAgeing(-1)),
    'AGEING_OUT_OF_RANGE',
  );
});

test('an MTU is one that the kernel takes, with IPv6 at least 1280', (t) => {
  t.is(checkMtu(68), 68);
  t.is(checkMtu(65_535, true), 65_535);
  t.is(
    code(() => checkMtu(67)),
    'MTU_OUT_OF_RANGE',
  );
  t.is(
    code(() => checkMtu(65_536)),
    'MTU_OUT_OF_RANGE',
  );
  t.is(
    code(() => checkMtu(1279, true)),
    'MTU_OUT_OF_RANGE',
  );
  t.is(
    code(() => parseMtu('1500 ')),
    'MTU_OUT_OF_RANGE',
  );
});

test('messages have the value, the range and a remedy', (t) => {
  const error = t.throws(() => checkMtu(1000, true), { instanceOf: DpctlError });
  t.is(error?.message, 'MTU 1000 bytes: from 1280 to 65535 bytes is allowed');
  t.regex(hintText(error?.hint), /--mtu 1280/);
});
