/** Nodes and MACs that come, go and move while others talk to them. */
import test from 'ava';
import { pings, tcpBothWays } from '../system/helpers/conversation.js';
import { eventually, sleep, start } from '../system/helpers/process.js';
import { watch } from './helpers/continuous-traffic.js';
import { addressOf, type Nodes, onNodes } from './helpers/nodes.js';

interface FdbRow {
  readonly mac: string;
  readonly node: string;
  readonly dst: string;
  readonly state: string;
}

async function whereIs(nodes: Nodes, node: string, mac: string): Promise<FdbRow | undefined> {
  return (await nodes.json<FdbRow[]>(node, 'dump', 'fdb')).find((row) => row.mac === mac);
}

async function macOf(nodes: Nodes, where: string): Promise<string> {
  return (await nodes.within(where, 'cat', '/sys/class/net/eth0/address')).trim();
}

test.serial('packets of a deleted node are dropped until it is added again', (t) =>
  onNodes(['--endpoints', '1'], async (nodes) => {
    const from = nodes.ns('n1e1');
    const mac = await macOf(nodes, 'n2e1');
    t.true(await pings(from, addressOf(2, 1)));
    t.like(await whereIs(nodes, 'n1', mac), {
      node: 'n2',
      dst: '172.31.210.2',
      state: 'learned',
    });

    const talk = watch(t, from, addressOf(2, 1));
    t.true(await eventually(() => talk.answers() > 5));
    const gone = await nodes.must('n1', 'node', 'del', 'n2');
    t.is(gone.stderr, 'node n2 deleted: 172.31.210.2');
    await sleep(300);
    const before = talk.answers();
    await sleep(500);
    t.is(talk.answers(), before, 'no answer comes through');
    t.false(await pings(nodes.ns('n2e1'), addressOf(1, 1)), 'and no request');
    t.is(await whereIs(nodes, 'n1', mac), undefined, 'what was learned behind it is forgotten');
    t.deepEqual(await nodes.json('n1', 'dump', 'nodes'), []);
    await nodes.must('n1', 'status');
    const stats = await nodes.json<{ name: string; packets: number }[]>('n1', 'dump', 'stats');
    t.true((stats.find(({ name }) => name === 'vtep_unknown')?.packets ?? 0) > 0, 'n2 is refused');

    await nodes.must('n1', 'node', 'add', 'n2', '--vtep', '172.31.210.2');
    t.true(await eventually(() => talk.answers() > before + 5, 2000), 'and it is heard again');
    await talk.stop();
  }),
);

test.serial('a node gets another address under traffic, and is reached at it', (t) =>
  onNodes(['--endpoints', '1'], async (nodes) => {
    const talk = watch(t, nodes.ns('n1e1'), addressOf(2, 1));
    t.true(await eventually(() => talk.answers() > 5));
    // Otherwise the second address would be removed with the first.
    await nodes.within('n2', 'sysctl', '-qw', 'net.ipv4.conf.under0.promote_secondaries=1');
    await nodes.within('n2', 'ip', 'addr', 'add', '172.31.210.77/24', 'dev', 'under0');
    // The others first: packets from an unknown address are dropped.
    const changed = await nodes.must('n1', 'node', 'add', 'n2', '--vtep', '172.31.210.77');
    t.is(changed.stderr, 'node n2 changed: 172.31.210.77');
    const set = await nodes.must('n2', 'underlay', 'set', 'under0', '--vtep', '172.31.210.77');
    t.regex(
      set.stderr,
      /note: this node's address changed from 172\.31\.210\.2 to 172\.31\.210\.77/,
    );
    const before = talk.answers();
    t.true(await eventually(() => talk.answers() > before + 5, 2000));
    await nodes.within('n2', 'ip', 'addr', 'del', '172.31.210.2/24', 'dev', 'under0');
    const later = talk.answers();
    t.true(await eventually(() => talk.answers() > later + 5, 2000), 'without the old address too');
    await talk.stop();
    t.true(talk.longestGap() < 1500, `${talk.longestGap()} ms without an answer`);
    const [row] = await nodes.json<FdbRow[]>('n1', 'dump', 'nodes');
    t.is(row?.dst, '172.31.210.77');
    for (const node of ['n1', 'n2']) await nodes.must(node, 'status');
    t.true(await tcpBothWays(t, nodes.ns('n1e1'), nodes.ns('n2e1'), addressOf(2, 1), 1 << 20));
  }),
);

test.serial('an endpoint that moves to another node is reachable there within a second', (t) =>
  onNodes(['--endpoints', '1', '--nodes', '3'], async (nodes) => {
    const ns = await nodes.container('n2e9');
    const ip = '10.210.9.9';
    const mac = '02:00:00:00:09:09';
    const place = ['--network', 'net1', '--ip', ip, '--mac', mac];
    await nodes.must('n2', 'attach', ns, ...place);
    const talk = watch(t, nodes.ns('n1e1'), ip);
    t.true(await eventually(() => talk.answers() > 5));
    t.like(await whereIs(nodes, 'n1', mac), { node: 'n2' });

    for (const [from, to] of [
      ['n2', 'n3'],
      ['n3', 'n2'],
    ] as const) {
      await nodes.must(from, 'detach', ns);
      await nodes.must(to, 'attach', ns, ...place);
      const arrived = Date.now();
      const before = talk.answers();
      t.true(await eventually(() => talk.answers() > before, 1000, 10), `${from} -> ${to}`);
      t.log(`${from} -> ${to}: answered ${Date.now() - arrived} ms after attach`);
      t.like(await whereIs(nodes, 'n1', mac), { node: to, state: 'learned' });
    }
    await talk.stop();

    // And here: it becomes an endpoint of the node that sent to it.
    await nodes.must('n2', 'detach', ns);
    await nodes.must('n1', 'attach', ns, ...place);
    t.true(await pings(nodes.ns('n1e1'), ip));
    t.like(await whereIs(nodes, 'n1', mac), { node: '', state: 'permanent' });
    t.true(await pings(nodes.ns('n3e1'), ip));
    t.like(await whereIs(nodes, 'n3', mac), { node: 'n1' });
  }),
);

test.serial('a MAC behind an endpoint moves by its own frames', (t) =>
  onNodes(['--endpoints', '1', '--nodes', '3'], async (nodes) => {
    const mac = '02:00:00:00:08:08';
    const ip = '10.210.8.8';
    for (const where of ['n2e1', 'n3e1']) {
      await nodes.must(
        where.slice(0, 2),
        'attach',
        nodes.ns(where),
        '--no-lock',
        '--network',
        'net1',
      );
    }
    const macvlan = ['link', 'add', 'guest', 'link', 'eth0', 'address', mac, 'type', 'macvlan'];
    for (const where of ['n2e1', 'n3e1', 'n2e1']) {
      await nodes.within(where, 'ip', ...macvlan, 'mode', 'bridge');
      await nodes.within(where, 'ip', 'addr', 'add', `${ip}/16`, 'dev', 'guest');
      await nodes.within(where, 'ip', 'link', 'set', 'guest', 'up');
      const began = Date.now();
      const speaks = ['ping', '-c', '20', '-i', '0.05', '-W', '1', '-I', 'guest', addressOf(1, 1)];
      const guest = start(t, nodes.ns(where), speaks);
      const found = async () => (await whereIs(nodes, 'n1', mac))?.node === where.slice(0, 2);
      t.true(await eventually(found, 1000, 10), where);
      t.log(`${where}: found after ${Date.now() - began} ms`);
      t.true(await pings(nodes.ns('n1e1'), ip), where);
      await guest.stop();
      await nodes.within(where, 'ip', 'link', 'del', 'guest');
    }
  }),
);
