import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { MAP_TYPE } from '../../loader/map/info.js';
import {
  allFeatures,
  bpfAvailable,
  FEATURES,
  hasFeature,
  probeHelper,
  probeMapType,
  probeProgType,
} from '../../loader/probe.js';
import {
  adjustRoomTakes,
  FIB_SKIP_NEIGH,
  fibLookupTakes,
  tunnelKeyTakes,
} from '../../loader/probe-code.js';
import { PROG_TYPE } from '../../loader/program.js';
import { descriptorsOf, run } from './helpers/machine.js';

test('BPF can be used here', (t) => {
  t.is(bpfAvailable(), undefined);
});

test('existing types and helpers are distinguished from missing ones', (t) => {
  t.true(probeProgType(PROG_TYPE.schedCls));
  t.true(probeProgType(PROG_TYPE.xdp));
  t.true(probeMapType(MAP_TYPE.lruHash));
  t.true(probeHelper(PROG_TYPE.schedCls, 1)); // bpf_map_lookup_elem
  t.false(probeHelper(PROG_TYPE.schedCls, 9999));
  t.false(probeHelper(PROG_TYPE.xdp, 9)); // bpf_skb_store_bytes needs an skb
});

test('valid helper flags are distinguished from invalid ones', (t) => {
  t.true(fibLookupTakes(0));
  t.true(adjustRoomTakes(0));
  t.false(fibLookupTakes(1 << 30));
  t.false(adjustRoomTakes(1 << 30));
  t.true(tunnelKeyTakes(28), 'as old as the helper');
  t.false(tunnelKeyTakes(45));
  t.is(hasFeature('tunnel_key_local'), tunnelKeyTakes());
  t.is(hasFeature('fib_skip_neigh'), fibLookupTakes(FIB_SKIP_NEIGH));
});

test('features are what bpftool finds', (t) => {
  const features = allFeatures();
  t.deepEqual(Object.keys(features).sort(), [...FEATURES].sort());
  const theirs = JSON.parse(run('bpftool', '-j', 'feature', 'probe', 'kernel'));
  const helpers: string[] = theirs.helpers.sched_cls_available_helpers;
  t.is(features.redirect_peer, helpers.includes('bpf_redirect_peer'));
  t.is(features.redirect_neigh, helpers.includes('bpf_redirect_neigh'));
  t.is(features.bpf_loop, helpers.includes('bpf_loop'));
  t.is(features.bpf_timer, helpers.includes('bpf_timer_init'));
  t.is(features.ringbuf, theirs.map_types.have_ringbuf_map_type);
  // The parameter exists only in the machine's first network namespace; elsewhere bpftool says -1.
  const jit: number = theirs.system_config.bpf_jit_enable;
  if (jit >= 0) t.is(features.jit, jit > 0);
});

test('an answer is remembered and leaves nothing open', (t) => {
  const before = descriptorsOf('anon_inode:bpf');
  t.is(hasFeature('tcx'), hasFeature('tcx'));
  t.is(hasFeature('batch'), true);
  // CPU time, which other load does not affect. A probe loads a program.
  const start = process.cpuUsage();
  for (let i = 0; i < 1000; i++) hasFeature('bpf_loop');
  const { user, system } = process.cpuUsage(start);
  t.true(user + system < 100_000);
  t.is(descriptorsOf('anon_inode:bpf'), before);
});

test('without privileges the error says what is missing', (t) => {
  const loader = fileURLToPath(new URL('../../loader', import.meta.url));
  const helpers = fileURLToPath(new URL('../helpers', import.meta.url));
  const script = `
    import { bpfAvailable, hasFeature } from '${loader}/probe.js';
    import { becomeNobody } from '${helpers}/user.js';
    becomeNobody();
    const error = bpfAvailable();
    console.log(error?.code, error?.exitCode, error?.message, '/', error?.hint);
    try { hasFeature('tcx'); } catch (e) { console.log(e.code); }`;
  // Root loads the modules: other users may have no access to the checkout.
  const preload = `import '${loader}/sys/machine.js'; import { possibleCpus } from '${loader}/sys/machine.js'; possibleCpus();\n`;
  const result = spawnSync(process.execPath, ['--input-type=module', '-e', preload + script], {
    encoding: 'utf8',
  });
  t.regex(
    result.stdout,
    /^BPF_PERMISSION 2 this process may not use BPF: EPERM \/ run as root/,
    result.stderr,
  );
  t.regex(result.stdout, /\nBPF_PERMISSION\n/);
});
