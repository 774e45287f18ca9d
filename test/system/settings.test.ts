/** Settings of networks and endpoints: kept if a request does not mention them, and removed on request. */
import test from 'ava';
import { type Attached, join } from './helpers/attached-containers.js';
import { type Lab, openLab } from './helpers/lab.js';

let lab: Lab;
test.before(async () => {
  lab = await openLab();
});
test.after.always(() => lab.close());

interface Link {
  readonly mtu: number;
  readonly gso_max_size: number;
}

async function linkOf(ns: string, ifname: string): Promise<Link | undefined> {
  const text = await lab.within(ns, 'ip', '-d', '-j', 'link', 'show', ifname);
  return (JSON.parse(text) as Link[])[0];
}

async function gatewayOf(name: string): Promise<string | undefined> {
  const rows = await lab.json<{ name: string; gateway: string }[]>(['network', 'list']);
  return rows.find((row) => row.name === name)?.gateway;
}

async function healthy(): Promise<boolean> {
  return (await lab.dpctl(['status'])).code === 0;
}

test.serial('an endpoint stays on its network if none is named', async (t) => {
  await lab.must('network', 'add', 'blue', '--subnet', '10.9.0.0/24');
  const it = await join(lab, 'a', '--network', 'blue');
  const again = await lab.must('attach', it.ns);
  t.regex(again.stderr, /^unchanged /);
  t.is((await lab.dpctl(['network', 'list', '-o', 'name'])).stdout, 'blue', 'no other one is made');
  t.true(await healthy());
});

test.serial('a gateway is removed again', async (t) => {
  await lab.must('network', 'add', 'blue', '--gateway');
  t.is(await gatewayOf('blue'), '10.9.0.1');
  const gone = await lab.must('network', 'add', 'blue', '--no-gateway');
  t.regex(gone.stderr, /^network blue changed: vni 1 10\.9\.0\.0\/24$/m);
  t.is(await gatewayOf('blue'), '');
  t.regex((await lab.must('network', 'add', 'blue', '--no-gateway')).stderr, /unchanged/);
  t.true(await healthy());
});

test.serial('further prefixes are removed again', async (t) => {
  const it = await join(lab, 'p', '--network', 'blue', '--allow-prefix', '192.0.2.0/24');
  const prefixes = async () =>
    (await lab.json<{ ns: string; allow_prefixes: string[] }[]>(['endpoints'])).find(
      ({ ns }) => ns === it.ns,
    )?.allow_prefixes;
  await lab.must('attach', it.ns, '--isolated');
  t.deepEqual(await prefixes(), ['192.0.2.0/24'], 'it stays where nothing is said');
  t.regex((await lab.must('attach', it.ns, '--no-allow-prefix')).stderr, /^changed /);
  t.deepEqual(await prefixes(), []);
  t.true(await healthy());
});

test.serial('a requested MTU is unset, and follows the underlay again', async (t) => {
  const it = await join(lab, 'm', '--network', 'blue', '--mtu', '1400');
  await lab.must('attach', it.ns, '--mtu', 'auto');
  t.is((await linkOf(it.ns, 'eth0'))?.mtu, 1500);
  const pair = ['u0', 'mtu', '1600', 'type', 'veth', 'peer', 'name', 'u1', 'mtu', '1600'];
  await lab.within(lab.node, 'ip', 'link', 'add', ...pair);
  for (const end of ['u0', 'u1']) await lab.within(lab.node, 'ip', 'link', 'set', end, 'up');
  await lab.within(lab.node, 'ip', 'addr', 'add', '192.0.2.1/24', 'dev', 'u0');
  await lab.must('underlay', 'set', 'u0');
  t.is((await linkOf(it.ns, 'eth0'))?.mtu, 1550);
  await lab.must('underlay', 'del');
});

test.serial('BIG TCP is disabled again, also on an adopted veth', async (t) => {
  const adopted = await lab.container('v');
  const far = ['type', 'veth', 'peer', 'name', 'eth0', 'netns', adopted];
  await lab.within(lab.node, 'ip', 'link', 'add', 'vh0', 'gso_max_size', '32768', ...far);
  await lab.must('network', 'add', 'big', '--subnet', '10.8.0.0/24');
  await lab.must('attach', adopted, '--network', 'big');
  const made: Attached = await join(lab, 'w', '--network', 'big');
  const sizes = async () => [
    (await linkOf(lab.node, 'vh0'))?.gso_max_size,
    (await linkOf(adopted, 'eth0'))?.gso_max_size,
    (await linkOf(made.ns, 'eth0'))?.gso_max_size,
  ];
  const before = await sizes();
  t.deepEqual(before.slice(0, 1), [32_768]);
  await lab.must('network', 'add', 'big', '--big-tcp');
  t.deepEqual(await sizes(), [196_608, 196_608, 196_608]);
  await lab.must('network', 'add', 'big', '--no-big-tcp');
  t.deepEqual(await sizes(), before);
  t.true(await healthy());
});
