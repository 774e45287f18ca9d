/** A node that knows a thousand others, and one after a reboot. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { attach } from '../../src/control/endpoint/attach.js';
import type { Node } from '../../src/control/node/node.js';
import { reconcile } from '../../src/control/node/reconcile.js';
import { remoteNodeAdd, remoteNodeDelete } from '../../src/control/underlay/remote-nodes.js';
import type { Remote } from '../../src/model/state/state.js';
import { dump } from '../../src/observe/dump/dump.js';
import { pings } from '../system/helpers/conversation.js';
import { run } from '../system/helpers/lab.js';
import { addressOf, onNodes } from './helpers/nodes.js';

const MANY = 1000;

/** Record these nodes as a thousand commands would, and apply them with one reconcile. */
async function askFor(node: Node, nodes: readonly Remote[]): Promise<void> {
  const release = await node.store.lock('test');
  try {
    const before = await node.store.load();
    await node.store.save(before, { ...before.state, nodes });
  } finally {
    release();
  }
}

test.serial('a thousand nodes: all are known, and each changes by itself', (t) =>
  onNodes(['--endpoints', '1'], async (nodes) => {
    const node = nodes.open('n1');
    try {
      const [peer] = (await node.store.load()).state.nodes;
      if (peer === undefined) throw new Error('the lab has no other node');
      const far = Array.from({ length: MANY }, (_, i) => ({
        name: `far${i}`,
        number: i + 2,
        vtep: `10.66.${i >> 8}.${i & 255}`,
      }));
      await askFor(node, [peer, ...far]);
      const all = await reconcile(node);
      t.log(`reconcile, ${all.plan.length} steps: ${all.milliseconds.toFixed(0)} ms`);
      t.is([...(await dump(node, 'nodes'))].length, MANY + 1);
      t.like([...(await dump(node, 'networks'))][0], { replicas: MANY + 1 });
      t.true(await pings(nodes.ns('n1e1'), addressOf(2, 1)), 'the one that is there');

      const added = await remoteNodeAdd(node, { name: 'one', vtep: '10.66.100.1' });
      t.log(`node add: ${added.milliseconds.toFixed(0)} ms`);
      const ns = await nodes.container('n1e9');
      const { milliseconds } = await attach(node, { ns, network: 'net1' });
      t.log(`attach: ${milliseconds.toFixed(0)} ms`);
      const again = await reconcile(node);
      t.deepEqual([again.changed, again.plan], [false, []]);

      const moved = await remoteNodeAdd(node, { name: 'far500', vtep: '10.66.99.99' });
      t.deepEqual(
        moved.plan.map(({ step, subject }) => `${step} ${subject}`),
        ['table.put node', 'table.put vtep', 'table.delete vtep'],
        'one node, and no other',
      );
      await remoteNodeDelete(node, { name: 'one' });
      t.like(
        [...(await dump(node, 'networks'))][0],
        { replicas: MANY + 1 },
        'no longer than it must be',
      );
      await askFor(node, [peer]);
      await reconcile(node);
      t.is([...(await dump(node, 'nodes'))].length, 1);
      t.like([...(await dump(node, 'networks'))][0], { replicas: 1 });
      t.true(await pings(nodes.ns('n1e1'), addressOf(2, 1)));
    } finally {
      node.close();
    }
  }),
);

test.serial('after a reboot, reconcile restores connectivity to the other nodes', (t) =>
  onNodes(['--endpoints', '1', '--underlay', 'wire'], async (nodes) => {
    const ns = nodes.ns('n1e1');
    const runDir = join(nodes.rootOf('n1'), 'run/dpctl');
    // A reboot removes pins, devices, and the file of state that lives as long as the kernel.
    await run(['umount', '--lazy', join(runDir, 'bpf')]);
    rmSync(join(runDir, 'endpoints.json'));
    for (const name of ['dpr0', 'dpx0', 'dp000001'])
      await nodes.within('n1', 'ip', 'link', 'del', name);
    await nodes.within('n1', 'sysctl', '-qw', 'net.ipv4.conf.lo.forwarding=0');

    t.is((await nodes.dpctl('n1', ['status'])).code, 4);
    await nodes.must('n1', 'reconcile');
    await nodes.must('n1', 'status');
    const [underlay] = await nodes.json<[{ state: string; decap: string }]>(
      'n1',
      'underlay',
      'show',
    );
    t.like(underlay, { state: 'up', decap: 'tc-gro' });
    await nodes.must('n1', 'attach', ns, '--network', 'net1');
    t.true(await pings(ns, addressOf(2, 1)));
    t.true(await pings(nodes.ns('n2e1'), addressOf(1, 1)));
  }),
);
