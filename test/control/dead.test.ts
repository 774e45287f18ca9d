/** A look at the devices that were deleted: it finds the dead behind them, and touches nothing else. */
import test from 'ava';
import { attach } from '../../src/control/endpoint/attach.js';
import { clearDead } from '../../src/control/endpoint/clear-dead.js';
import { openLabNode } from '../helpers/node.js';
import { openLab, run } from '../system/helpers/lab.js';
import { eventually } from '../system/helpers/process.js';

test('only the devices that a look is about are looked at; without any, all', async (t) => {
  const lab = await openLab();
  const node = openLabNode(lab);
  try {
    const names: string[] = [];
    const devices: number[] = [];
    for (const label of ['a', 'b', 'c', 'd']) {
      const ns = await lab.container(label);
      const [row] = (await attach(node, { ns })).endpoints;
      names.push(ns);
      devices.push(row?.ifindex ?? 0);
    }
    const [a = 0, b = 0, , d = 0] = devices;
    const remaining = async (): Promise<string[]> =>
      (await node.store.load()).state.endpoints.map(({ namespace }) => namespace.ref);
    const isThere = async (ifindex: number): Promise<boolean> =>
      (await run(['ip', '-n', lab.node, '-o', 'link'])).stdout.includes(`\n${ifindex}: `);
    for (const [index, ns] of names.slice(0, 3).entries()) {
      await run(['ip', 'netns', 'del', ns]);
      t.true(await eventually(async () => !(await isThere(devices[index] ?? 0))));
    }
    t.is(await clearDead(node, new Set()), undefined);
    t.is(await clearDead(node, new Set([d, 4_000])), undefined, 'it lives, and nobody has that');
    t.is((await remaining()).length, 4);
    const one = await clearDead(node, new Set([a, d]));
    t.true(one?.changed);
    t.deepEqual(await remaining(), names.slice(1));
    t.true((await clearDead(node, new Set([a, b])))?.changed);
    t.true((await clearDead(node))?.changed);
    t.deepEqual(await remaining(), names.slice(3));
    t.is((await lab.dpctl(['status'])).code, 0);
  } finally {
    node.close();
    await lab.close();
  }
});
