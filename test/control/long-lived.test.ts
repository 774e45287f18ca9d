/** A process that keeps a node open while others reset it and create it again. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import test from 'ava';
import { attach } from '../../src/control/endpoint/attach.js';
import { endpointList } from '../../src/control/endpoint/list.js';
import { fdbFlush } from '../../src/control/network/fdb.js';
import { dump } from '../../src/observe/dump/dump.js';
import { status } from '../../src/observe/status/status.js';
import { openLabNode } from '../helpers/node.js';
import { DPCTL, openLab } from '../system/helpers/lab.js';

/** Ids of the maps that this process holds open. */
function openMaps(): string[] {
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      if (readlinkSync(`/proc/self/fd/${fd}`) !== 'anon_inode:bpf-map') return [];
      return /^map_id:\s*(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))?.[1] ?? [];
    } catch {
      // The descriptor that read the list itself.
      return [];
    }
  });
}

test.serial(
  'after another process has replaced the tables, writes go to the new ones',
  async (t) => {
    const lab = await openLab();
    const node = openLabNode(lab);
    try {
      const [a, b] = [await lab.container('a'), await lab.container('b')];
      await attach(node, { ns: a });
      t.is([...(await dump(node, 'endpoints'))].length, 1);
      const former = new Set(openMaps());
      t.true(former.size > 0);

      await lab.must('reset', '--yes');
      await lab.must('attach', a, '--ip', '10.201.0.7');
      await fdbFlush(node, {});
      t.deepEqual(
        openMaps().filter((id) => former.has(id)),
        [],
        'none of those that are gone is open',
      );
      const [, ip4] = (await attach(node, { ns: b })).endpoints[0]?.ip4.match(/^([^/]+)/) ?? [];
      const rows = await lab.json<{ ns: string }[]>(['dump', 'endpoints']);
      t.deepEqual(rows.map(({ ns }) => ns).sort(), [a, b].sort(), 'as others see it');
      await lab.within(a, 'ping', '-c', '1', '-W', '2', ip4 ?? '');
      t.deepEqual((await status(node)).problems, []);
    } finally {
      node.close();
      t.deepEqual(openMaps(), []);
      await lab.close();
    }
  },
);

test.serial('a node recreated in another namespace is inspected there', async (t) => {
  const lab = await openLab();
  const node = openLabNode(lab);
  try {
    const [a, elsewhere] = [await lab.container('a'), await lab.container('elsewhere')];
    await attach(node, { ns: a });
    t.deepEqual(
      (await endpointList(node)).map(({ state }) => state),
      ['ready'],
    );
    await lab.must('reset', '--yes');
    await lab.within(elsewhere, process.execPath, DPCTL, '--root', lab.root, 'attach', a);
    t.deepEqual(
      (await endpointList(node)).map(({ state }) => state),
      ['ready'],
    );
    await lab.within(elsewhere, process.execPath, DPCTL, '--root', lab.root, 'reset', '--yes');
  } finally {
    node.close();
    await lab.close();
  }
});
