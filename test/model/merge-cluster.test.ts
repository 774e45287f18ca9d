/** What a cluster's records make of a node's state. */
import test from 'ava';
import { addNetwork } from '../../src/model/network/networks.js';
import { clusterPart, leaveCluster, mergeCluster } from '../../src/model/overlay/merge-cluster.js';
import { addRemote } from '../../src/model/overlay/remotes.js';
import { invariants } from '../../src/model/state/invariants.js';
import { EMPTY_STATE, type State } from '../../src/model/state/state.js';

const blue = addNetwork(EMPTY_STATE, { name: 'blue', vni: 7, subnets: ['10.80.0.0/24'] }).network;
const view = (nodes: [string, string][], isWhole = true) => ({
  nodes: nodes.map(([name, vtep]) => ({ name, vtep, networks: ['blue'] })),
  networks: [clusterPart(blue)],
  isWhole,
});
const names = ({ nodes }: State): string[] => nodes.map(({ name, vtep }) => `${name} ${vtep}`);

test('nodes and networks of the cluster come, change and go', (t) => {
  const first = mergeCluster(
    EMPTY_STATE,
    view([
      ['a', '192.0.2.1'],
      ['b', '192.0.2.2'],
    ]),
  );
  t.deepEqual(names(first.state), ['a 192.0.2.1', 'b 192.0.2.2']);
  t.deepEqual([...first.nodes], [1, 2]);
  t.deepEqual([...first.networks], ['blue']);
  t.deepEqual(first.problems, []);
  t.is(
    mergeCluster(
      first.state,
      view([
        ['b', '192.0.2.2'],
        ['a', '192.0.2.1'],
      ]),
    ).state,
    first.state,
  );
  // They swap their addresses, which no single edit may do.
  const swapped = mergeCluster(
    first.state,
    view([
      ['a', '192.0.2.2'],
      ['b', '192.0.2.1'],
    ]),
  );
  t.deepEqual(names(swapped.state), ['a 192.0.2.2', 'b 192.0.2.1']);
  t.deepEqual(invariants(swapped.state), []);
  const gone = mergeCluster(first.state, { ...view([['b', '192.0.2.2']]), networks: [] });
  t.deepEqual(names(gone.state), ['b 192.0.2.2']);
  t.deepEqual(gone.state.networks, [], 'nobody is on it');
});

test('a store that has forgotten all takes nothing away, and what a user added stays', (t) => {
  const mine = addRemote(EMPTY_STATE, { name: 'mine', vtep: '192.0.2.9' }).state;
  const full = mergeCluster(mine, view([['a', '192.0.2.1']])).state;
  t.is(mergeCluster(full, { nodes: [], networks: [], isWhole: false }).state, full);
  const left = leaveCluster(full).state;
  t.deepEqual(names(left), ['mine 192.0.2.9']);
  t.is(left.networks.length, 1);
  const doubted = mergeCluster(full, { ...view([]), doubtful: new Set(['a']) });
  t.deepEqual(names(doubted.state), names(full), 'it is lost, and not for long enough');
});

test('a network that cannot be here is a problem, and no reason to leave out the rest', (t) => {
  const red = addNetwork(EMPTY_STATE, { name: 'red', vni: 7 }).state;
  const merged = mergeCluster(red, view([['a', '192.0.2.1']]));
  t.deepEqual(merged.problems.length, 1, 'its network has a VNI that another one has here');
  t.deepEqual(names(merged.state), ['a 192.0.2.1']);
});
