/** The commands that change a node, each from and to a state that is known. */
import { ping, type Scenario, type Stage } from './scenario.js';

const SUBNETS = ['--subnet', '10.66.0.0/24', '--subnet', 'fd66::/64'] as const;

const attached = async (stage: Stage): Promise<void> => {
  const row = await rowOf(stage, stage.peer);
  for (const address of [row.ip4, row.ip6]) {
    await ping(stage, address.split('/')[0] ?? '');
  }
};

const detached = async (stage: Stage): Promise<void> => {
  const rows = await stage.lab.json<{ ns: string }[]>(['endpoints']);
  if (rows.some(({ ns }) => ns === stage.ns)) throw new Error(`${stage.ns} is still listed`);
};

async function rowOf({ lab }: Stage, ns: string): Promise<{ ip4: string; ip6: string }> {
  const rows = await lab.json<{ ns: string; ip4: string; ip6: string }[]>(['endpoints']);
  const row = rows.find((each) => each.ns === ns);
  if (row === undefined) throw new Error(`${ns} is not listed`);
  return row;
}

/** A veth that was there before, with addresses, a MAC and an MTU of its own. */
async function makeVeth({ lab, ns }: Stage): Promise<void> {
  const near = ['ip', '-n', lab.node, 'link'];
  const veth = ['type', 'veth', 'peer', 'name', 'eth0', 'netns', ns];
  await lab.within(lab.node, ...near, 'add', 'vh0', 'mtu', '1400', ...veth);
  await lab.within(lab.node, ...near, 'set', 'vh0', 'alias', 'somebody', 'mtu', '1400');
  const inner = ['ip', 'link', 'set', 'eth0'];
  await lab.within(ns, ...inner, 'address', '02:00:00:00:00:99', 'mtu', '1400', 'up');
  await lab.within(ns, 'ip', 'addr', 'add', '10.66.0.200/24', 'dev', 'eth0');
  await lab.within(ns, 'ip', 'addr', 'add', '192.0.2.7/24', 'dev', 'eth0');
}

interface Pair {
  readonly title: string;
  readonly network?: readonly string[];
  readonly setUp?: (stage: Stage) => Promise<unknown>;
  readonly flags?: readonly string[];
  readonly withoutNamespace?: boolean;
}

/** attach and detach are each other's way back. */
function attachAndDetach({ title, flags = [], setUp, ...rest }: Pair): [Scenario, Scenario] {
  const attach = ({ ns, network }: Stage): string[] => [
    'attach',
    ns,
    '--network',
    network,
    ...flags,
  ];
  const detach = ({ ns }: Stage): string[] => ['detach', ns];
  return [
    {
      ...rest,
      ...(setUp && { setUp }),
      title: `attach ${title}`,
      command: attach,
      back: detach,
      check: attached,
    },
    {
      ...rest,
      title: `detach ${title}`,
      setUp: async (stage) => {
        await setUp?.(stage);
        await stage.lab.must(...attach(stage));
      },
      command: detach,
      back: attach,
      check: detached,
    },
  ];
}

const pairs = [
  attachAndDetach({ title: 'with a new veth', flags: ['--allow-prefix', '198.51.100.0/24'] }),
  attachAndDetach({
    title: 'with a namespace that dpctl makes',
    flags: ['--create'],
    withoutNamespace: true,
  }),
  attachAndDetach({ title: 'with a veth that was there', network: SUBNETS, setUp: makeVeth }),
  attachAndDetach({
    title: 'on a network with a gateway',
    network: [...SUBNETS, '--gateway', '--masquerade'],
  }),
  attachAndDetach({ title: 'on a network with big TCP', network: [...SUBNETS, '--big-tcp'] }),
];

/** Every attach, then every detach. */
export const ATTACHES: readonly Scenario[] = pairs.map(([attach]) => attach);
export const DETACHES: readonly Scenario[] = pairs.map(([, detach]) => detach);

const addLan = (): string[] => [
  ...['network', 'add', 'lan', '--gateway', '--masquerade'],
  ...['--subnet', '10.67.0.0/24', '--subnet', 'fd67::/64'],
];
const deleteLan = (): string[] => ['network', 'del', 'lan'];
const changed: readonly string[] = [
  ...['--ip', '10.201.0.77', '--ip', 'fd00:c9::77', '--mac', '02:00:00:00:00:77'],
  ...['--mtu', '1300', '--isolated', '--allow-prefix', '198.51.100.0/24'],
];
const plain: readonly string[] = [
  ...['--ip', '10.201.0.9', '--ip', 'fd00:c9::9', '--mac', '02:00:00:00:00:09'],
  ...['--mtu', '1500', '--no-isolated', '--allow-prefix', '203.0.113.0/24'],
];

/** Everything else that a plan is made for. */
export const OTHERS: readonly Scenario[] = [
  { title: 'network add with a gateway', command: addLan, back: deleteLan },
  {
    title: 'network del with a gateway',
    setUp: ({ lab }) => lab.must(...addLan()),
    command: deleteLan,
    back: addLan,
  },
  {
    title: 'attach that changes an endpoint',
    setUp: ({ lab, ns }) => lab.must('attach', ns, ...plain),
    command: ({ ns }) => ['attach', ns, ...changed],
    back: ({ ns }) => ['attach', ns, ...plain],
    check: attached,
  },
  {
    title: 'fdb add',
    setUp: ({ lab, ns }) => lab.must('attach', ns),
    command: ({ ns }) => ['fdb', 'add', '02:00:00:00:11:11', ns],
    back: () => ['fdb', 'del', '02:00:00:00:11:11'],
  },
  {
    title: 'fdb del',
    setUp: async ({ lab, ns }) => {
      await lab.must('attach', ns);
      await lab.must('fdb', 'add', '02:00:00:00:11:11', ns);
    },
    command: () => ['fdb', 'del', '02:00:00:00:11:11'],
    back: ({ ns }) => ['fdb', 'add', '02:00:00:00:11:11', ns],
  },
];
