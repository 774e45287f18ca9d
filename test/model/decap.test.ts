/** The decap mode by the properties of a device. */

import test from 'ava';
import { hintText } from '../../src/model/hint.js';
import { chooseDecap, type DeviceFacts, refusedDecap } from '../../src/model/overlay/decap.js';
import type { Decap, ResolvedUnderlay } from '../../src/model/state/state.js';
import { refusal } from './helpers.js';

const NIC: DeviceFacts = {
  driver: 'ixgbe',
  passesSegments: false,
  merges: true,
  mergesInHardware: false,
  checksums: 'nobody',
  xdp: true,
  xdpFrags: true,
  foreignXdp: undefined,
  mtu: 1500,
  tellsDestination: true,
  tunnelDevice: undefined,
};
const VETH: DeviceFacts = {
  ...NIC,
  driver: 'veth',
  passesSegments: true,
  merges: false,
  checksums: 'sender',
};

type Asked = 'auto' | 'tc' | 'tc-gro' | 'xdp';

function choose(
  facts: DeviceFacts,
  asked: Asked = 'auto',
  refused: ResolvedUnderlay['refused'] = [],
) {
  return chooseDecap({ device: 'eth1', port: 4789, decap: asked }, facts, refused);
}

test("auto chooses by the device's properties", (t) => {
  const cases: readonly (readonly [string, DeviceFacts, Decap, RegExp])[] = [
    ['a veth passes segments', VETH, 'tc', /passes segments whole/],
    [
      'a veth like a wire',
      { ...VETH, passesSegments: false, merges: true },
      'tc-gro',
      /copies every/,
    ],
    ['a network card', NIC, 'xdp', /ixgbe runs XDP in its driver/],
    ['LRO would be lost', { ...NIC, mergesInHardware: true }, 'tc-gro', /LRO, GRO-HW/],
    ['a driver without XDP', { ...NIC, xdp: false }, 'tc-gro', /ixgbe runs no XDP/],
    ['an old kernel cannot tell', { ...NIC, xdp: undefined }, 'tc-gro', /does not report/],
    ['XDP is taken', { ...NIC, foreignXdp: 'fw' }, 'tc-gro', /another XDP program \(fw\)/],
    ['large frames', { ...NIC, xdpFrags: false, mtu: 9000 }, 'tc-gro', /MTU of 9000/],
    [
      'a driver that verifies',
      { ...NIC, checksums: 'driver' },
      'tc-gro',
      /the headers that XDP removes/,
    ],
    ['small frames', { ...NIC, xdpFrags: false }, 'xdp', /XDP/],
    [
      'nothing is possible',
      { ...NIC, xdp: false, merges: false },
      'tc',
      /no XDP: .*; no merging: GRO is off/,
    ],
    [
      'before Linux 6.0',
      { ...NIC, xdp: false, tellsDestination: false },
      'tc',
      /no merging: this kernel does not tell/,
    ],
    [
      'a tunnel merges already',
      { ...NIC, xdp: false, tunnelDevice: 'vx7' },
      'tc-gro',
      /for vx7 the kernel merges/,
    ],
  ];
  for (const [title, facts, decap, why] of cases) {
    const choice = choose(facts);
    t.is(choice.decap, decap, title);
    t.regex(choice.why, why, title);
  }
});

test('a mode that the kernel refused is not chosen again', (t) => {
  const xdp = { decap: 'xdp', why: 'attach: EOPNOTSUPP' } as const;
  const gro = { decap: 'tc-gro', why: 'add: EEXIST' } as const;
  t.like(choose(NIC, 'auto', [xdp]), { decap: 'tc-gro' });
  const last = choose(NIC, 'auto', [xdp, gro]);
  t.deepEqual(last, { decap: 'tc', why: 'no XDP: attach: EOPNOTSUPP; no merging: add: EEXIST' });
  t.like(
    choose(NIC, 'xdp', [xdp]),
    { decap: 'xdp', why: 'as requested' },
    'but tried when asked for',
  );
});

test('a requested mode is used, or refused with the reason and the alternatives', (t) => {
  t.deepEqual(choose(VETH, 'xdp'), { decap: 'xdp', why: 'as requested' });
  t.deepEqual(choose(NIC, 'tc'), { decap: 'tc', why: 'as requested' });
  const off = refusal(() => choose({ ...NIC, merges: false }, 'tc-gro'));
  t.is(off.message, 'eth1 cannot do --decap tc-gro: GRO is off on the device');
  t.is(hintText(off.hint), 'dpctl underlay set eth1 --decap auto, or tc or xdp');
  const none = refusal(() => choose({ ...NIC, xdp: false, merges: false }, 'xdp'));
  t.deepEqual([none.code, none.exitCode], ['DECAP_IMPOSSIBLE', 1]);
  t.is(hintText(none.hint), 'dpctl underlay set eth1 --decap auto, or tc');
  t.is(refusedDecap(none), undefined, 'it was never tried');
  t.is(refusedDecap(new Error('x')), undefined);
});
