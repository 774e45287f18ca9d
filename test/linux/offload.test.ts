import test from 'ava';
import { linkAddVeth } from '../../src/linux/netlink/pair.js';
import { withRtnl } from '../../src/linux/netlink/socket.js';
import { driverName, featuresGet, featuresSet, isActive } from '../../src/linux/offload.js';
import { inside, refusal, type TestNetns, withNamespaces } from './helpers/namespaces.js';

function addPair(ns: TestNetns): void {
  withRtnl(ns.fd, (rtnl) => linkAddVeth(rtnl, { name: 'h0', peer: { name: 'p0' } }));
}

test('features read as ethtool -k reads them', async (t) => {
  await withNamespaces(1, (a) => {
    addPair(a);
    const theirs = new Map<string, string>();
    for (const line of inside(a, 'ethtool', '-k', 'h0').split('\n')) {
      const [, name, state] = /^\s*(\S+): (on|off)/.exec(line) ?? [];
      if (name && state) theirs.set(name, state);
    }
    const ours = featuresGet(a.fd, 'h0');
    const aliases = { tso: 'tcp-segmentation-offload', gso: 'generic-segmentation-offload' };
    const more = { gro: 'generic-receive-offload', tx: 'tx-checksumming', sg: 'scatter-gather' };
    for (const [short, long] of Object.entries({ ...aliases, ...more })) {
      t.is(isActive(ours, short) ? 'on' : 'off', theirs.get(long) ?? '', short);
    }
    let compared = 0;
    for (const [name, { active }] of ours) {
      const state = theirs.get(name);
      if (state === undefined) continue;
      t.is(active ? 'on' : 'off', state, name);
      compared += 1;
    }
    t.true(compared > 30);
  });
});

test('features are switched and put back', async (t) => {
  await withNamespaces(1, (a) => {
    addPair(a);
    const before = featuresGet(a.fd, 'h0');
    const wireLike = { tso: false, gso: false, 'tx-udp_tnl-segmentation': false, gro: true };
    const undo = featuresSet(a.fd, 'h0', wireLike);
    t.like(undo, { 'tx-tcp-segmentation': true, 'tx-generic-segmentation': true, 'rx-gro': false });
    t.regex(inside(a, 'ethtool', '-k', 'h0'), /^tcp-segmentation-offload: off$/m);
    t.deepEqual(featuresSet(a.fd, 'h0', wireLike), {}, 'nothing to do the second time');
    t.true(isActive(featuresGet(a.fd, 'p0'), 'tso'), 'the other end is left alone');
    featuresSet(a.fd, 'h0', undo);
    t.deepEqual(featuresGet(a.fd, 'h0'), before);
  });
});

test('features that the kernel changes along with another are reported, too', async (t) => {
  await withNamespaces(1, (a) => {
    addPair(a);
    const undo = featuresSet(a.fd, 'h0', { tx: false });
    t.is(undo['tx-checksum-ip-generic'], true);
    t.is(undo['tx-tcp-segmentation'], true, 'segmentation needs checksums');
  });
});

test('a fixed feature is an error', async (t) => {
  await withNamespaces(1, (a) => {
    const fixed = refusal(() => featuresSet(a.fd, 'lo', { rx: false }));
    t.is(fixed.code, 'FEATURE_FIXED');
    t.regex(fixed.message, /lo: "rx" is on and cannot be changed/);
    const unknown = refusal(() => featuresSet(a.fd, 'lo', { zork: true }));
    t.is(unknown.code, 'FEATURE_UNKNOWN');
    t.is(unknown.exitCode, 1);
    t.is(refusal(() => featuresGet(a.fd, 'none')).code, 'KERNEL_ENODEV');
  });
});

test('the driver is known by its name', async (t) => {
  await withNamespaces(1, (a) => {
    addPair(a);
    t.is(driverName(a.fd, 'h0'), 'veth');
  });
});
