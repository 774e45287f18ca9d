/** A namespace, and its devices with it, disappears during a change: the rest is planned again. */
import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { DpctlError, ERRNO, kernelError } from '../../loader/errors.js';
import type { EndpointRow } from '../../src/api/endpoint.js';
import { VANISHED_ROUNDS } from '../../src/control/change/vanished-devices.js';
import { attach } from '../../src/control/endpoint/attach.js';
import { endpointList } from '../../src/control/endpoint/list.js';
import type { Node } from '../../src/control/node/node.js';
import { reconcile } from '../../src/control/node/reconcile.js';
import { openLabNode } from '../helpers/node.js';
import { type Lab, openLab } from '../system/helpers/lab.js';

type Row = Pick<EndpointRow, 'ns' | 'id' | 'hostIfname' | 'state'>;

interface Fixture {
  readonly lab: Lab;
  readonly node: Node;
  readonly a: Row;
  readonly b: Row;
}

/** Two endpoints. */
async function withFixture(
  t: ExecutionContext,
  use: (fixture: Fixture) => Promise<void>,
): Promise<void> {
  t.timeout(120_000);
  const lab = await openLab();
  const node = openLabNode(lab);
  try {
    for (const name of ['a', 'b']) await attach(node, { ns: await lab.container(name) });
    const [a, b] = await endpointList(node);
    if (a === undefined || b === undefined) throw new Error('two endpoints were attached');
    await use({ lab, node, a, b });
  } finally {
    node.close();
    await lab.close();
  }
}

/** The node, with an event between the plan of a change and its first step. */
function interrupted(node: Node, happen: (round: number) => void): Node {
  let round = 0;
  return {
    ...node,
    store: {
      ...node.store,
      save: async (before, after) => {
        const saved = await node.store.save(before, after);
        if (after.unfinished === true) happen(round++);
        return saved;
      },
    },
  };
}

/** What the kernel does a moment after the last process of a container has ended. */
function takeAway({ lab, a }: Fixture): void {
  spawnSync('ip', ['-n', lab.node, 'link', 'del', a.hostIfname]);
  spawnSync('ip', ['netns', 'del', a.ns]);
}

/** A change that makes reconcile touch the devices of an endpoint. */
const DRIFTS: readonly { readonly step: string; drift(fixture: Fixture): Promise<unknown> }[] = [
  {
    step: 'host.set',
    drift: ({ lab, a }) => lab.within(lab.node, 'ip', 'link', 'set', a.hostIfname, 'mtu', '1280'),
  },
  {
    step: 'tc.attach',
    drift: async ({ node, a }) => rmSync(join(node.paths.linksDir, String(a.id))),
  },
  {
    step: 'inner.set',
    drift: ({ lab, a }) => lab.within(a.ns, 'ip', 'link', 'set', 'eth0', 'down'),
  },
];

for (const { step, drift } of DRIFTS) {
  test.serial(`a device goes before its ${step}: the endpoint is cleared, and nothing fails`, (t) =>
    withFixture(t, async (fixture) => {
      const { node, a, b } = fixture;
      await drift(fixture);
      const planned = (await reconcile(node, { dryRun: true })).plan;
      t.true(
        planned.some((row) => row.step === step),
        JSON.stringify(planned),
      );
      const changed = await reconcile(
        interrupted(node, (round) => round === 0 && takeAway(fixture)),
      );
      t.true(changed.notes.join('\n').includes(`endpoint ${a.ns} (eth0) is gone`));
      t.true(changed.changed);
      const rows = await endpointList(node);
      t.deepEqual(
        rows.map(({ ns, state }) => [ns, state]),
        [[b.ns, 'ready']],
      );
      t.deepEqual((await reconcile(node, { dryRun: true })).plan, [], 'nothing is left to do');
    }),
  );
}

test.serial(
  "the requested endpoint's namespace disappears: it is not found, and nothing is half done",
  (t) =>
    withFixture(t, async (fixture) => {
      const { node, a, b } = fixture;
      const watched = interrupted(node, () => takeAway(fixture));
      const error = await t.throwsAsync(attach(watched, { ns: a.ns, mtu: 1280 }), {
        instanceOf: DpctlError,
      });
      t.is(error?.code, 'NETNS_NOT_FOUND', error?.message);
      t.is(error?.exitCode, 3);
      t.falsy((await node.store.load()).state.unfinished);
      await reconcile(node);
      const rows = await endpointList(node);
      t.deepEqual(
        rows.map(({ ns, state }) => [ns, state]),
        [[b.ns, 'ready']],
      );
    }),
);

test.serial('a device disappears without its namespace: the same command recreates it', (t) =>
  withFixture(t, async (fixture) => {
    const { node, lab, a } = fixture;
    await DRIFTS[0]?.drift(fixture);
    const watched = interrupted(node, (round) => {
      if (round === 0) spawnSync('ip', ['-n', lab.node, 'link', 'del', a.hostIfname]);
    });
    const { plan } = await reconcile(watched);
    t.true(plan.some(({ step }) => step === 'pair.create'));
    t.deepEqual(
      (await endpointList(node)).map(({ state }) => state),
      ['ready', 'ready'],
    );
  }),
);

test.serial('an endpoint that keeps disappearing is reported in the end', (t) =>
  withFixture(t, async (fixture) => {
    await DRIFTS[0]?.drift(fixture);
    let rounds = 0;
    const watched = interrupted(fixture.node, () => {
      rounds++;
      throw kernelError('set link', ERRNO.ENODEV ?? 0, { details: { step: 'host.set' } });
    });
    const error = await t.throwsAsync(reconcile(watched), { instanceOf: DpctlError });
    t.is(error?.code, 'KERNEL_ENODEV', error?.message);
    t.is(rounds, 1 + VANISHED_ROUNDS);
    await reconcile(fixture.node);
  }),
);
