/** The commands of the overlay, each from and to a known state. */
import { attach } from '../../../src/control/endpoint/attach.js';
import { fdbAdd, fdbDelete } from '../../../src/control/network/fdb.js';
import { networkAdd, networkDelete } from '../../../src/control/network/network.js';
import { remoteNodeAdd, remoteNodeDelete } from '../../../src/control/underlay/remote-nodes.js';
import { underlayDelete, underlaySet } from '../../../src/control/underlay/underlay.js';
import type { Fixture, Scenario } from './scenario.js';

const MAC = '02:00:00:00:22:22';
const OWN = [
  ['--subnet', '10.77.0.0/16'],
  ['--own-prefix', '10.77.4.0/24'],
];
const told = { mac: MAC, node: 'far', ips: ['10.201.7.7', 'fd00:c9::7:7'] };

/** A device without a peer, which would segment packets: so an anchor is needed. */
async function makeDevice({ lab }: Fixture): Promise<void> {
  for (const line of [
    'link add u0 type veth peer name u1',
    'link set u0 up',
    'link set u1 up',
    'addr add 192.0.2.1/24 dev u0',
    'addr add 192.0.2.2/24 dev u0',
  ]) {
    await lab.within(lab.node, 'ip', ...line.split(' '));
  }
  const wire = ['tso', 'off', 'gso', 'off', 'tx-udp_tnl-segmentation', 'off', 'gro', 'on'];
  await lab.within(lab.node, 'ethtool', '-K', 'u0', ...wire);
}

const set = ({ node }: Fixture): Promise<unknown> => underlaySet(node, { device: 'u0' });
const unset = ({ node }: Fixture): Promise<unknown> => underlayDelete(node);
const addFar = ({ node }: Fixture, vtep = '192.0.2.7'): Promise<unknown> =>
  remoteNodeAdd(node, { name: 'far', vtep });
/** The node owns a prefix of the default network. */
const giveFar = ({ node }: Fixture): Promise<unknown> =>
  remoteNodeAdd(node, { name: 'far', prefixes: ['10.201.7.0/24'] });
const deleteFar = ({ node }: Fixture): Promise<unknown> => remoteNodeDelete(node, { name: 'far' });

/** An endpoint whose MTU follows the underlay, on a network with nodes. */
async function populated(fixture: Fixture): Promise<void> {
  await makeDevice(fixture);
  await set(fixture);
  await remoteNodeAdd(fixture.node, { name: 'near', vtep: '192.0.2.6' });
  await attach(fixture.node, { ns: fixture.ns });
}

/** Every change of the overlay that needs a plan. */
export const OVERLAYS: readonly Scenario[] = [
  {
    title: 'underlay set',
    setUp: async (fixture) => {
      await makeDevice(fixture);
      await addFar(fixture);
      await attach(fixture.node, { ns: fixture.ns });
    },
    command: () => ['underlay', 'set', 'u0'],
    apply: set,
    back: unset,
  },
  {
    title: 'underlay del',
    setUp: async (fixture) => {
      await populated(fixture);
      await addFar(fixture);
    },
    command: () => ['underlay', 'del'],
    apply: unset,
    back: set,
  },
  {
    title: 'underlay set that changes the way and the address',
    setUp: populated,
    command: () => ['underlay', 'set', 'u0', '--decap', 'xdp', '--vtep', '192.0.2.2'],
    apply: ({ node }) => underlaySet(node, { device: 'u0', decap: 'xdp', vtep: '192.0.2.2' }),
    back: async ({ node }) => {
      await underlaySet(node, { device: 'u0', decap: 'auto', vtep: '192.0.2.1' });
      // An existing address stays, even if any other would do.
      await underlaySet(node, { device: 'u0', vtep: 'auto' });
    },
  },
  {
    title: 'node add',
    setUp: populated,
    command: () => ['node', 'add', 'far', '--vtep', '192.0.2.7'],
    apply: addFar,
    back: deleteFar,
  },
  {
    title: 'node add that changes an address',
    setUp: async (fixture) => {
      await populated(fixture);
      await addFar(fixture);
    },
    command: () => ['node', 'add', 'far', '--vtep', '192.0.2.8'],
    apply: (fixture) => addFar(fixture, '192.0.2.8'),
    back: addFar,
  },
  {
    title: 'node del with a MAC that was told and a prefix',
    setUp: async (fixture) => {
      await populated(fixture);
      await addFar(fixture);
      await giveFar(fixture);
      await fdbAdd(fixture.node, told);
    },
    command: () => ['node', 'del', 'far'],
    apply: deleteFar,
    back: async (fixture) => {
      await addFar(fixture);
      await giveFar(fixture);
      await fdbAdd(fixture.node, told);
    },
  },
  {
    title: 'fdb add behind a node',
    setUp: async (fixture) => {
      await populated(fixture);
      await addFar(fixture);
    },
    command: () => [
      ...['fdb', 'add', MAC, '--node', 'far'],
      ...told.ips.flatMap((ip) => ['--ip', ip]),
    ],
    apply: ({ node }) => fdbAdd(node, told),
    back: ({ node }) => fdbDelete(node, { mac: MAC }),
  },
  {
    title: 'network add among nodes',
    setUp: populated,
    command: () => ['network', 'add', 'lan', '--vni', '77', ...OWN.flat()],
    apply: ({ node }) =>
      networkAdd(node, {
        name: 'lan',
        vni: 77,
        subnets: ['10.77.0.0/16'],
        ownPrefixes: ['10.77.4.0/24'],
      }),
    back: ({ node }) => networkDelete(node, { name: 'lan' }),
  },
];
