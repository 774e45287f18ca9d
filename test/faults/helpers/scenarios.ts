/** The commands that change a node, each from and to a known state. */
import type { AttachRequest } from '../../../src/api/endpoint.js';
import { attach } from '../../../src/control/endpoint/attach.js';
import { detach } from '../../../src/control/endpoint/detach.js';
import { endpointList } from '../../../src/control/endpoint/list.js';
import { fdbAdd, fdbDelete } from '../../../src/control/network/fdb.js';
import { networkAdd, networkDelete } from '../../../src/control/network/network.js';
import { type Fixture, ping, type Scenario } from './scenario.js';

const SUBNETS = ['--subnet', '10.66.0.0/24', '--subnet', 'fd66::/64'] as const;

const attached = async (fixture: Fixture): Promise<void> => {
  const row = (await endpointList(fixture.node)).find(({ ns }) => ns === fixture.peer);
  if (row === undefined) throw new Error(`${fixture.peer} is not listed`);
  for (const address of [row.ip4, row.ip6]) await ping(fixture, address.split('/')[0] ?? '');
};

const detached = async ({ node, ns }: Fixture): Promise<void> => {
  if ((await endpointList(node)).some((row) => row.ns === ns))
    throw new Error(`${ns} is still listed`);
};

/** An existing veth with addresses, a MAC and an MTU of its own. */
async function makeVeth({ lab, ns }: Fixture): Promise<void> {
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
  readonly setUp?: (fixture: Fixture) => Promise<unknown>;
  readonly request?: Request;
  readonly withoutNamespace?: boolean;
}

/** attach and detach undo each other. */
function attachAndDetach({ title, request = {}, setUp, ...rest }: Pair): [Scenario, Scenario] {
  const apply = (fixture: Fixture): Promise<unknown> =>
    attach(fixture.node, { ...request, ns: fixture.ns, network: fixture.network });
  const undo = ({ node, ns }: Fixture): Promise<unknown> => detach(node, { ns });
  return [
    {
      ...rest,
      ...(setUp && { setUp }),
      title: `attach ${title}`,
      command: ({ ns, network }) => ['attach', ns, '--network', network, ...flags(request)],
      apply,
      back: undo,
      check: attached,
    },
    {
      ...rest,
      title: `detach ${title}`,
      setUp: async (fixture) => {
        await setUp?.(fixture);
        await apply(fixture);
      },
      command: ({ ns }) => ['detach', ns],
      destroys: true,
      apply: undo,
      back: apply,
      check: detached,
    },
  ];
}

type Request = Partial<AttachRequest>;

/** A request as command line flags. */
function flags({ ips = [], mac, mtu, isolated, create, allowPrefixes }: Request): string[] {
  return [
    ...ips.flatMap((ip) => ['--ip', ip]),
    ...(allowPrefixes || []).flatMap((prefix) => ['--allow-prefix', prefix]),
    ...(mac === undefined ? [] : ['--mac', mac]),
    ...(mtu === undefined ? [] : ['--mtu', String(mtu)]),
    ...(isolated === undefined ? [] : [isolated ? '--isolated' : '--no-isolated']),
    ...(create === undefined ? [] : ['--create']),
  ];
}

const pairs = [
  attachAndDetach({ title: 'with a new veth', request: { allowPrefixes: ['198.51.100.0/24'] } }),
  attachAndDetach({
    title: 'with a namespace that dpctl makes',
    request: { create: true },
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

const LAN = ['10.67.0.0/24', 'fd67::/64'] as const;
const lan = { name: 'lan', gateway: true, masquerade: true, subnets: LAN } as const;
const addLan = ({ node }: Fixture): Promise<unknown> => networkAdd(node, lan);
const deleteLan = ({ node }: Fixture): Promise<unknown> => networkDelete(node, { name: 'lan' });

const MAC = '02:00:00:00:11:11';
const addMac = ({ node, ns }: Fixture): Promise<unknown> => fdbAdd(node, { mac: MAC, ns });
const deleteMac = ({ node }: Fixture): Promise<unknown> => fdbDelete(node, { mac: MAC });

const changed: Request = {
  ips: ['10.201.0.77', 'fd00:c9::77'],
  mac: '02:00:00:00:00:77',
  mtu: 1300,
  isolated: true,
  allowPrefixes: ['198.51.100.0/24'],
};
const plain: Request = {
  ips: ['10.201.0.9', 'fd00:c9::9'],
  mac: '02:00:00:00:00:09',
  mtu: 1500,
  isolated: false,
  allowPrefixes: ['203.0.113.0/24'],
};

/** Every other change that needs a plan. */
export const OTHERS: readonly Scenario[] = [
  {
    title: 'network add with a gateway',
    command: () => [
      ...['network', 'add', 'lan', '--gateway', '--masquerade'],
      ...LAN.flatMap((subnet) => ['--subnet', subnet]),
    ],
    apply: addLan,
    back: deleteLan,
  },
  {
    title: 'network del with a gateway',
    setUp: addLan,
    command: () => ['network', 'del', 'lan'],
    destroys: true,
    apply: deleteLan,
    back: addLan,
  },
  {
    title: 'attach that changes an endpoint',
    setUp: ({ node, ns }) => attach(node, { ns, ...plain }),
    command: ({ ns }) => ['attach', ns, ...flags(changed)],
    apply: ({ node, ns }) => attach(node, { ns, ...changed }),
    back: ({ node, ns }) => attach(node, { ns, ...plain }),
    check: attached,
  },
  {
    title: 'fdb add',
    setUp: ({ node, ns }) => attach(node, { ns }),
    command: ({ ns }) => ['fdb', 'add', MAC, ns],
    apply: addMac,
    back: deleteMac,
  },
  {
    title: 'fdb del',
    setUp: async (fixture) => {
      await attach(fixture.node, { ns: fixture.ns });
      await addMac(fixture);
    },
    command: () => ['fdb', 'del', MAC],
    apply: deleteMac,
    back: addMac,
  },
];
