/** The CNI plugin, called as runtimes call it: through an agent and without one. */
import { readdirSync } from 'node:fs';
import test, { type ExecutionContext } from 'ava';
import { type Agent, startAgent } from '../agent/helpers/agent.js';
import { testRequiring } from '../helpers/requirements.js';
import { type Lab, openLab } from '../system/helpers/lab.js';
import { type Chain, type Runtime, runtimeOn, standardPlugins, VERSIONS } from './helpers/cni.js';

const PODS = { name: 'pods', type: 'dpctl-cni', subnet: '10.5.0.0/24', gateway: true } as const;

const withPlugins = testRequiring(standardPlugins);

/** Part of a row of `endpoints -o json`. */
interface Row {
  readonly host_ifname: string;
  readonly mac: string;
  readonly owner: string;
  readonly labels: readonly string[];
}

interface World {
  readonly lab: Lab;
  readonly runtime: Runtime;
  endpoints(): Promise<readonly Row[]>;
  /** Start an agent: it answers as soon as its node is in use. */
  agent(): Promise<Agent>;
}

async function open(t: ExecutionContext): Promise<World> {
  const lab = await openLab();
  t.teardown(() => lab.close());
  const runtime = runtimeOn(lab);
  t.teardown(() => runtime.close());
  return {
    ...{ lab, runtime },
    endpoints: () => lab.json<Row[]>(['endpoints']),
    async agent() {
      await lab.must('network', 'add', 'other');
      return startAgent(t, lab);
    },
  };
}

async function pings(lab: Lab, from: string, to: string): Promise<boolean> {
  return (await lab.inside(from, ['ping', '-c1', '-W2', to])).code === 0;
}

for (const by of ['an agent', 'no agent'] as const) {
  test(`every version adds, checks and removes a container’s interface, with ${by}`, async (t) => {
    const { lab, runtime, endpoints, agent } = await open(t);
    const [a, b] = [await lab.container('a'), await lab.container('b')];
    if (by === 'an agent') await agent();
    // Without an agent each call takes a start of Node: the oldest and the newest will do.
    const versions = by === 'an agent' ? VERSIONS : (['0.3.1', '1.1.0'] as const);
    for (const cniVersion of versions) {
      const chain: Chain = { cniVersion, name: 'pods', plugins: [PODS] };
      const [first, second] = [
        { id: 'one', ns: a, args: 'IgnoreUnknown=1;K8S_POD_NAMESPACE=shop;K8S_POD_NAME=web-1' },
        { id: 'two', ns: b, runtimeConfig: { ips: ['10.5.0.77/24'], mac: '02:00:00:00:00:77' } },
      ];
      const one = await runtime.add(chain, first);
      const two = await runtime.add(chain, second);
      t.is(one.code, 0, one.stdout);
      t.is(two.code, 0, two.stdout);
      const [row] = (await endpoints()).filter((each) => each.owner === 'cni/pods/one/eth0');
      t.deepEqual(one.output, {
        cniVersion,
        interfaces: [
          { name: row?.host_ifname, ...(cniVersion === '1.1.0' && { mtu: 1500 }) },
          {
            ...{ name: 'eth0', mac: row?.mac, sandbox: `/run/netns/${a}` },
            ...(cniVersion === '1.1.0' && { mtu: 1500 }),
          },
        ],
        ips: [
          {
            ...(cniVersion.startsWith('0') && { version: '4' }),
            ...{ address: '10.5.0.2/24', gateway: '10.5.0.1', interface: 1 },
          },
        ],
        routes: [{ dst: '0.0.0.0/0', gw: '10.5.0.1' }],
        dns: {},
      });
      t.deepEqual(row?.labels, [
        'io.kubernetes.pod.name=web-1',
        'io.kubernetes.pod.namespace=shop',
      ]);
      t.is(two.output?.ips[0]?.address, '10.5.0.77/24');
      t.is(two.output?.interfaces[1]?.mac, '02:00:00:00:00:77');
      t.true(await pings(lab, a, '10.5.0.77'), 'pod to pod');
      t.true(await pings(lab, lab.node, '10.5.0.77'), 'host to pod');
      t.deepEqual((await runtime.add(chain, first)).output, one.output, 'the same once more');

      const [check] = await runtime.check(chain, first, one.output);
      t.is(check?.code, cniVersion === '0.3.1' ? 1 : 0, check?.stdout);
      if (cniVersion === '0.3.1') t.is(check?.output?.code, 1);

      t.is((await runtime.del(chain, first, one.output))[0]?.stdout, '');
      t.is((await runtime.del(chain, second))[0]?.stdout, '', 'without prevResult');
      t.is((await runtime.del(chain, first))[0]?.code, 0, 'once more');
      t.deepEqual(await endpoints(), []);
      t.notRegex(await lab.within(a, 'ip', '-br', 'link'), /eth0/);
    }
  });
}

test('CHECK names what is not as it was added', async (t) => {
  const { lab, runtime } = await open(t);
  const ns = await lab.container('a');
  const chain: Chain = { cniVersion: '1.1.0', name: 'pods', plugins: [PODS] };
  const to = { id: 'one', ns };
  const { output } = await runtime.add(chain, to);
  const found = async (): Promise<string> => {
    const [said] = await runtime.check(chain, to, output);
    return said?.code === 0 ? '' : `${said?.output?.code} ${said?.output?.details}`;
  };
  t.is(await found(), '');
  await lab.within(ns, 'ip', 'addr', 'del', '10.5.0.2/24', 'dev', 'eth0');
  t.regex(await found(), /^101 .*eth0 lacks 10\.5\.0\.2\/24/);
  await lab.must('reconcile');
  t.is(await found(), '');
  await lab.within(ns, 'ip', 'route', 'del', 'default');
  t.regex(await found(), /^101 .*no route to 0\.0\.0\.0\/0/);
  await lab.must('reconcile');
  await lab.within(ns, 'ip', 'link', 'set', 'eth0', 'down');
  t.regex(await found(), /^101 .*eth0 is down/);
  await lab.within(ns, 'ip', 'link', 'del', 'eth0');
  t.regex(await found(), /^101 .*there is no eth0/);
  await runtime.del(chain, to, output);
  t.regex((await runtime.check(chain, to, output))[0]?.output?.msg ?? '', /has no endpoint/);
});

test('DEL works whatever is gone, and GC removes what the runtime does not know', async (t) => {
  const { lab, runtime, endpoints, agent } = await open(t);
  await agent();
  const names = await Promise.all(['a', 'b', 'c', 'd'].map((label) => lab.container(label)));
  const chain: Chain = { cniVersion: '1.1.0', name: 'pods', plugins: [PODS] };
  const containers = names.map((ns, index) => ({ id: `c${index}`, ns }));
  for (const each of containers) t.is((await runtime.add(chain, each)).code, 0);
  const other = { ...PODS, name: 'others', network: 'pods', cniVersion: '1.1.0' };
  t.is(
    (await runtime.call('ADD', other, { id: 'c0', ns: names[0] ?? '', ifname: 'net1' })).code,
    0,
  );
  await lab.must('attach', await lab.container('mine'), '--network', 'pods');
  const left = async (): Promise<string[]> => (await endpoints()).map(({ owner }) => owner).sort();

  const config = { ...PODS, cniVersion: '1.1.0' };
  const known = [{ containerID: 'c1', ifname: 'eth0' }];
  for (const nothing of [{}, { 'cni.dev/valid-attachments': null, 'cni.dev/attachments': null }]) {
    t.is((await runtime.call('GC', { ...config, ...nothing })).code, 0);
    t.is((await left()).length, 6, 'nothing was said, so nothing goes');
  }
  const said = { 'cni.dev/attachments': known, 'cni.dev/valid-attachments': null };
  const { code, stdout } = await runtime.call('GC', { ...config, ...said });
  t.is(code, 0, stdout);
  t.deepEqual(await left(), ['cni/others/c0/net1', 'cni/pods/c1/eth0', 'person']);
  t.is((await runtime.call('GC', { ...config, 'cni.dev/valid-attachments': [] })).code, 0);
  t.deepEqual(await left(), ['cni/others/c0/net1', 'person']);

  await lab.within(lab.node, 'ip', 'netns', 'del', names[0] ?? '');
  t.is((await runtime.call('DEL', other, { id: 'c0', ifname: 'net1' })).stdout, '', 'no CNI_NETNS');
  t.deepEqual(await left(), ['person']);
  t.is((await runtime.call('DEL', config, { id: 'never', ns: 'nosuch' })).stdout, '');
  await lab.must('reset', '--yes');
  t.is(
    (await runtime.call('DEL', config, { id: 'c1', ns: names[1] ?? '' })).stdout,
    '',
    'no state',
  );
});

withPlugins(
  'the standard plugins work in a chain: addresses, a host port, a limit, a firewall',
  async (t) => {
    const { lab, runtime, endpoints, agent } = await open(t);
    await agent();
    const [a, b] = [await lab.container('a'), await lab.container('b')];
    const ipam = {
      type: 'host-local',
      ranges: [[{ subnet: '10.6.0.0/24', rangeStart: '10.6.0.50', gateway: '10.6.0.1' }]],
      routes: [{ dst: '0.0.0.0/0' }],
    };
    const { subnet: _, ...own } = PODS;
    const chain: Chain = {
      cniVersion: '1.0.0',
      name: 'web',
      plugins: [
        { ...own, subnet: '10.6.0.0/24', ipam },
        { type: 'tuning', sysctl: { 'net.ipv4.conf.eth0.arp_notify': '1' } },
        { type: 'portmap', capabilities: { portMappings: true }, snat: true },
        { type: 'bandwidth', ingressRate: 80_000_000, ingressBurst: 800_000 },
        { type: 'firewall', backend: 'iptables' },
      ],
    };
    const portMappings = [{ hostPort: 8080, containerPort: 80, protocol: 'tcp' }];
    const web = { id: 'web1', ns: a, runtimeConfig: { portMappings } };
    const client = { id: 'client', ns: b };
    const added = await runtime.add(chain, web);
    t.is(added.code, 0, added.stdout);
    t.is(added.output?.ips[0]?.address, '10.6.0.50/24');
    const other = await runtime.add(chain, client);
    t.is(other.code, 0, other.stdout);
    t.is(other.output?.ips[0]?.address, '10.6.0.51/24');
    const checked = await runtime.check(chain, web, added.output);
    // Debian 12's portmap takes the absence of IPv6 for a fault.
    for (const said of checked.filter((_, index) => chain.plugins[index]?.type !== 'portmap')) {
      t.is(said.code, 0, said.stdout);
    }
    t.is(await lab.within(a, 'cat', '/proc/sys/net/ipv4/conf/eth0/arp_notify'), '1');

    const serve = ['socat', 'TCP-LISTEN:80,fork,reuseaddr', 'SYSTEM:echo web'];
    const server = lab.inside(a, ['timeout', '20', ...serve]);
    const get = (ns: string, address: string) =>
      lab.inside(ns, [
        'socat',
        '-T3',
        '-',
        `TCP:${address},connect-timeout=3,retry=20,interval=0.1`,
      ]);
    t.is((await get(b, '10.6.0.50:80')).stdout, 'web', 'pod to pod');
    t.is((await get(lab.node, '10.6.0.1:8080')).stdout, 'web', 'host port from the host');
    t.is((await get(b, '10.6.0.1:8080')).stdout, 'web', 'host port from a pod');
    await lab.inside(a, ['pkill', '-f', 'TCP-LISTEN:80']);
    await server;

    for (const each of [web, client]) {
      for (const said of await runtime.del(chain, each, added.output))
        t.is(said.code, 0, said.stdout);
    }
    t.deepEqual(await endpoints(), []);
    t.notRegex(await lab.within(lab.node, 'nft', 'list', 'ruleset'), /8080|10\.6\.0\.50/);
    t.is((await runtime.add(chain, client)).code, 0, 'its addresses are free again');
    await runtime.del(chain, client);
  },
);

withPlugins(
  'an ADD that fails, or is killed at any point, leaves nothing that GC and DEL do not remove',
  async (t) => {
    const { lab, runtime, endpoints } = await open(t);
    const ns = await lab.container('a');
    const ipam = { type: 'host-local', ranges: [[{ subnet: '10.7.0.0/24' }]] };
    const plugin = { type: 'dpctl-cni', subnet: '10.7.0.0/24', ipam };
    // Debian 12's host-local knows no later version.
    const chain: Chain = { cniVersion: '1.0.0', name: 'pods', plugins: [plugin] };
    const to = { id: 'one', ns };
    const wrong = { ...chain, plugins: [{ ...plugin, mtu: 20 }] };
    const refused = await runtime.add(wrong, to);
    t.is(refused.output?.code, 100, refused.stdout);
    t.deepEqual(await endpoints(), []);
    const taken = await lab.container('b');
    await lab.within(taken, 'ip', 'link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', 'x0');
    const occupied = await runtime.add(chain, { id: 'two', ns: taken });
    t.is(occupied.output?.code, 102, occupied.stdout);

    const points = ['node.prepared', 'store.intent', 'step.0', 'step.4', 'store.ready', 'done'];
    for (const point of points) {
      const { code } = await runtime.add(chain, to, { env: { DPCTL_FAULT: point } });
      t.not(code, 0, point);
      const config = { ...plugin, name: 'pods', cniVersion: '1.1.0' };
      const said = await runtime.call('GC', { ...config, 'cni.dev/valid-attachments': [] });
      // host-local of 1.1.1 knows no GC: the rest is done all the same.
      t.true(said.code === 0 || /host-local/.test(said.output?.msg ?? ''), said.stdout);
      t.deepEqual(await endpoints(), [], point);
      for (const each of await runtime.del(chain, to)) t.is(each.code, 0, each.stdout);
      t.notRegex(await lab.within(ns, 'ip', '-br', 'link'), /eth0/);
      const again = await runtime.add(chain, to);
      t.is(again.code, 0, again.stdout);
      t.is((await runtime.check(chain, to, again.output))[0]?.stdout, '');
      await runtime.del(chain, to, again.output);
    }
  },
);

test('what a runtime gets wrong, and an agent that hangs, is told with CNI’s codes', async (t) => {
  const { lab, runtime, endpoints, agent } = await open(t);
  const ns = await lab.container('a');
  const { pid } = await agent();
  const config = { ...PODS, cniVersion: '1.1.0' };
  const codes = async (verb: string, given: unknown, to: object): Promise<number> => {
    const { code, output } = await runtime.call(verb, given, { id: 'one', ns, ...to });
    t.is(code, 1);
    t.truthy(output?.msg);
    return output?.code ?? 0;
  };
  t.is(await codes('ADD', '{', {}), 6);
  t.is(await codes('ADD', { ...config, cniVersion: '2.0.0' }, {}), 1);
  t.is(await codes('ADD', { ...config, name: undefined }, {}), 7);
  t.is(await codes('ADD', { ...config, mtu: 'big' }, {}), 7);
  t.is(
    await codes('ADD', { ...config, network: 'none', subnet: undefined, gateway: undefined }, {}),
    7,
  );
  t.is(await codes('ADD', { ...config, ipam: { type: '../evil' } }, {}), 7);
  t.is(await codes('ADD', config, { id: '' }), 4);
  t.is(await codes('ADD', config, { id: '../x' }), 4);
  t.is(await codes('ADD', config, { ifname: 'a/b' }), 4);
  t.is(await codes('ADD', config, { ifname: 'longer-than-fifteen' }), 4);
  t.is(await codes('ADD', config, { ns: undefined }), 4);
  t.is(await codes('ADD', config, { ns: 'nosuch' }), 100);
  t.is(await codes('ADD', config, { args: 'nonsense' }), 4);
  t.is(await codes('EXPLODE', config, {}), 4);
  t.is(await codes('CHECK', config, {}), 7);
  t.is(await codes('GC', { ...config, cniVersion: '1.0.0' }, {}), 1);
  t.is(
    await codes(
      'STATUS',
      { ...config, network: 'none', subnet: undefined, gateway: undefined },
      {},
    ),
    50,
  );
  t.is((await runtime.call('STATUS', config)).stdout, '');
  t.deepEqual(await endpoints(), []);

  process.kill(pid, 'SIGSTOP');
  const env = { DPCTL_AGENT_TIMEOUT: '300' };
  const hung = await runtime.call('ADD', config, { id: 'one', ns }, { env });
  process.kill(pid, 'SIGCONT');
  t.is(hung.output?.code, 11, hung.stdout);
  t.regex(readdirSync(`/proc/${pid}`).join(' '), /status/);
});

test('many containers start and stop at once', async (t) => {
  const { lab, runtime, endpoints, agent } = await open(t);
  await agent();
  const labels = Array.from({ length: 24 }, (_, index) => `m${index}`);
  const names: string[] = [];
  for (const label of labels) names.push(await lab.container(label));
  const chain: Chain = { cniVersion: '1.0.0', name: 'pods', plugins: [PODS] };
  const added = await Promise.all(names.map((ns, n) => runtime.add(chain, { id: `m${n}`, ns })));
  for (const { code, stdout } of added) t.is(code, 0, stdout);
  const addresses = added.map(({ output }) => output?.ips[0]?.address);
  t.is(new Set(addresses).size, names.length, 'no address twice');
  const [first = '', last = ''] = [names[0], names.at(-1)];
  t.true(await pings(lab, first, String(addresses.at(-1)).replace('/24', '')));
  t.true(await pings(lab, last, String(addresses[0]).replace('/24', '')));
  await Promise.all(names.map((ns, n) => runtime.del(chain, { id: `m${n}`, ns })));
  t.deepEqual(await endpoints(), []);
});
