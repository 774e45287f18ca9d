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
  for (const vni of [1, 16_777_215]) t.is(checkVni(vni), vni);
  for (const vni of [0, 16_777_216, -1, 1.5, Number.NaN]) {
    t.is(
      code(() => checkVni(vni)),
      'VNI_OUT_OF_RANGE',
      `${vni}`,
    );
  }
});

test('ageing is at most a year', (t) => {
  for (const seconds of [0, 300, 31_536_000]) t.is(checkAgeing(seconds), seconds);
  for (const seconds of [-1, 31_536_001, 1.5]) {
    t.is(
      code(() => checkAgeing(seconds)),
      'AGEING_OUT_OF_RANGE',
      `${seconds}`,
    );
  }
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
    code(() => checkMtu(Number.NaN)),
    'MTU_OUT_OF_RANGE',
  );
});

test('messages have the value, the range and a remedy', (t) => {
  const error = t.throws(() => checkMtu(1000, true), { instanceOf: DpctlError });
  t.is(error?.message, 'MTU 1000 bytes: must be from 1280 to 65535 bytes');
  t.regex(hintText(error?.hint), /--mtu 1280/);
});
