/** Each subject is what its name says, and each tool gives a result for it. */
import { existsSync } from 'node:fs';
import test from 'ava';
import { bulk, packets, serveIperf } from '../../src/bench/measure/iperf.js';
import { EFFORT } from '../../src/bench/measure/measure.js';
import { pingPong, serveSockperf } from '../../src/bench/measure/sockperf.js';
import {
  alonePair,
  DECAPS,
  overlayPairs,
  routedPair,
  vxlanPair,
} from '../../src/bench/subjects/overlay.js';
import type { Pair } from '../../src/bench/subjects/pair.js';
import { openProbe, programOf } from '../../src/bench/subjects/program-rig.js';
import { bridgePair, dpctlPair, vethPair } from '../../src/bench/subjects/same-node.js';
import { openSandbox, type Sandbox } from '../../src/bench/subjects/sandbox.js';
import { offloadsOf, verifyPayload } from '../../src/bench/subjects/verify.js';
import { command, linkKind, testRequiring } from '../helpers/requirements.js';
import { run } from '../system/helpers/lab.js';

const PLAIN = { mtu: 1500 };
const WIRE = { name: 'wire', wire: true, mtu: 1500 };

async function inSandbox(use: (sandbox: Sandbox) => Promise<void>): Promise<void> {
  const sandbox = openSandbox();
  try {
    await use(sandbox);
  } finally {
    sandbox.close();
  }
}

/** Kinds of the devices in a sandbox's namespaces whose names contain these words. */
async function kindsIn(pair: Pair, word: string): Promise<string[]> {
  const sandbox = pair.client.space.name.split('-').slice(0, 2).join('-');
  const { stdout } = await run(['ip', '-j', 'netns']);
  const names = (JSON.parse(stdout || '[]') as { readonly name: string }[])
    .map(({ name }) => name)
    .filter((name) => name.startsWith(`${sandbox}-${word}-`));
  const kinds = new Set<string>();
  for (const name of names) {
    const shown = await run(['ip', '-n', name, '-d', '-j', 'link', 'show']);
    for (const link of JSON.parse(shown.stdout) as { linkinfo?: { info_kind?: string } }[]) {
      if (link.linkinfo?.info_kind !== undefined) kinds.add(link.linkinfo.info_kind);
    }
  }
  return [...kinds].sort();
}

const withSocat = testRequiring(command('socat'));

withSocat.serial('one node: only the bridge has a bridge, and all carry the payload', (t) =>
  inSandbox(async (sandbox) => {
    const pairs = [
      vethPair(sandbox, '-v', PLAIN),
      bridgePair(sandbox, '-r', PLAIN),
      await dpctlPair(sandbox, '-d', PLAIN),
    ];
    const kinds = [];
    for (const pair of pairs) {
      t.regex(await verifyPayload(sandbox, pair), /equal$/);
      kinds.push(await kindsIn(pair, pair.client.space.name.split('-')[2] ?? ''));
    }
    t.deepEqual(kinds, [['veth'], ['bridge', 'veth'], ['veth']]);
    t.is(new Set(pairs.map(offloadsOf)).size, 1, 'offloads are the same on all');
  }),
);

withSocat.serial('BIG TCP is set equally on all, and carries the payload', (t) =>
  inSandbox(async (sandbox) => {
    const big = { ...PLAIN, bigTcp: true };
    for (const pair of [
      vethPair(sandbox, '-v', big),
      bridgePair(sandbox, '-r', big),
      await dpctlPair(sandbox, '-d', big),
    ]) {
      t.regex(await verifyPayload(sandbox, pair), /equal$/);
      for (const { space } of [pair.client, pair.server]) {
        const { stdout } = await run(['ip', '-n', space.name, '-d', 'link', 'show', 'eth0']);
        t.regex(stdout, /gso_max_size 196608 .*gro_max_size 196608/, pair.name);
      }
    }
  }),
);

const withVxlan = testRequiring(command('socat'), linkKind('bridge'));

for (const [name, open] of [
  ['no overlay', async (sandbox: Sandbox) => routedPair(sandbox, '-n', WIRE)],
  ['nothing but the hosts', async (sandbox: Sandbox) => alonePair(sandbox, '-h', WIRE)],
  ['bridge and vxlan', async (sandbox: Sandbox) => vxlanPair(sandbox, '-b', WIRE, false)],
  ['bridge and metadata vxlan', async (sandbox: Sandbox) => vxlanPair(sandbox, '-m', WIRE, true)],
  ...DECAPS.map(
    (decap) =>
      [
        `dpctl, ${decap}`,
        async (sandbox: Sandbox) =>
          (await overlayPairs(sandbox, `-${decap}`, WIRE, decap)).endpoints,
      ] as const,
  ),
  ...DECAPS.map(
    (decap) =>
      [
        `the hosts beside dpctl, ${decap}`,
        async (sandbox: Sandbox) => (await overlayPairs(sandbox, `-${decap}`, WIRE, decap)).hosts,
      ] as const,
  ),
] as const) {
  withVxlan.serial(`two nodes, ${name}: the payload arrives as it was sent`, (t) =>
    inSandbox(async (sandbox) => {
      t.regex(await verifyPayload(sandbox, await open(sandbox)), /equal$/);
    }),
  );
}

withSocat.serial('a program in the drivers stands in for a NIC without changing the path', (t) =>
  inSandbox(async (sandbox) => {
    const xdp = programOf(openProbe(sandbox), 'pass');
    const pair = vxlanPair(sandbox, '-b', { ...WIRE, name: 'xdp', xdp }, false);
    t.regex(await verifyPayload(sandbox, pair), /equal$/);
    const near = pair.client.space.name.replace(/-c$/, '');
    const { stdout } = await run(['ip', '-n', near, '-d', 'link', 'show', 'ul0']);
    t.regex(stdout, /prog\/xdp/);
  }),
);

const withTools = testRequiring(command('iperf3'), command('sockperf'));

withTools.serial('the tools give a value for every figure', (t) =>
  inSandbox(async (sandbox) => {
    const pair = vethPair(sandbox, '-v', PLAIN);
    await serveIperf(sandbox, pair);
    const transfer = await bulk(pair, EFFORT.quick, { family: 6, streams: 2, reverse: true });
    t.true(transfer.rate > 0.01 && transfer.cpu > 0, JSON.stringify(transfer));
    const stream = await packets(pair, EFFORT.quick, 64);
    t.true(
      stream.carried >= stream.rate * 0.9 &&
        stream.rate > 100 &&
        stream.loss >= 0 &&
        stream.loss < 1,
      JSON.stringify(stream),
    );
    await serveSockperf(sandbox, pair, 'udp');
    const trips = await pingPong(pair, EFFORT.quick, 'udp');
    const [middle = 0, late = 0] = [trips['udp-pp-p50'], trips['udp-pp-p99']];
    t.true(middle > 1 && late >= middle, JSON.stringify(trips));
  }),
);

test.serial('a server that does not start gives an error with its output', (t) =>
  inSandbox(async (sandbox) => {
    const pair = vethPair(sandbox, '-v', PLAIN);
    const { serve } = await import('../../src/bench/subjects/pair.js');
    const argv = ['sh', '-c', 'echo no such thing >&2; exit 3'];
    await t.throwsAsync(serve(sandbox, pair, argv, 'tcp', 9), { message: /no such thing/ });
    t.true(existsSync(`/run/netns/${pair.client.space.name}`));
  }),
);
