/** Plans of the overlay: the order in which a node starts and stops sending and receiving. */

import test from 'ava';
import { hostRulesText, wantedHostRules } from '../../src/model/desired/host-rules.js';
import { decodeValue, type RawEntry } from '../../src/model/desired/table-entry.js';
import { addNetwork } from '../../src/model/network/networks.js';
import { addRemoteFdb } from '../../src/model/overlay/remote-fdb.js';
import { addRemote, deleteRemote } from '../../src/model/overlay/remotes.js';
import { setUnderlay, unsetUnderlay } from '../../src/model/overlay/underlay.js';
import { entryName, type Observed, type ObservedOverlay } from '../../src/model/plan/observed.js';
import { plan, type Scope, type Step, scopedEntries } from '../../src/model/plan/plan.js';
import { EMPTY_STATE, type ResolvedUnderlay, type State } from '../../src/model/state/state.js';

const RESOLVED: ResolvedUnderlay = {
  ifindex: 2,
  mtu: 1500,
  vtep: '192.0.2.1',
  decap: 'xdp',
  why: 'as requested',
  refused: [],
  replicator: 16_384,
  anchor: 32_768,
};
const NOTHING: ObservedOverlay = { devices: new Map(), programs: new Map(), programIds: new Map() };

function base(): State {
  const { state } = addNetwork(EMPTY_STATE, { name: 'blue', vni: 7 });
  const nodes = addRemote(addRemote(state, { name: 'a', vtep: '192.0.2.7' }).state, {
    name: 'b',
    vtep: '192.0.2.8',
  }).state;
  return { ...setUnderlay(nodes, { device: 'eth1' }).state, resolvedUnderlay: RESOLVED };
}

/** A kernel that has everything of a state. */
function kernelOf(state: State): Observed {
  const entries = scopedEntries(state, 'node');
  return {
    ...observed(entries),
    overlay: {
      devices: new Map([
        ['replicator', device('dpr0', 16_384, 0)],
        ['anchor', device('dpx0', 32_768, 4789)],
      ]),
      programs: new Map([
        ['replicate', { hook: 'tcx', ifindex: 16_384, programId: 11 }],
        ['anchor', { hook: 'tcx', ifindex: 32_768, programId: 14 }],
        ['underlay', { hook: 'tcx', ifindex: 2, programId: 12 }],
        ['decap', { hook: 'xdp', ifindex: 2, programId: 13 }],
      ]),
      programIds: new Map([
        ['replicate', 11],
        ['anchor', 14],
        ['underlay', 12],
        ['decap', 13],
      ]),
    },
  };
}

function device(name: string, ifindex: number, port: number) {
  const created = plan({
    before: EMPTY_STATE,
    after: base(),
    scope: 'node',
    observed: observed([]),
  }).find((step) => step.op === 'overlay.create' && step.device.name === name);
  const mac = created?.op === 'overlay.create' ? created.device.mac : '';
  return { name, ifindex, mac, up: true, port, alias: 'dpctl', merges: false };
}

function observed(entries: readonly RawEntry[]): Observed {
  return {
    entries: new Map(entries.map((entry) => [entryName(entry), entry])),
    ports: new Map(),
    orphans: [],
    masquerades: [],
    hostRules: hostRulesText(wantedHostRules(base()).rules),
    sysctls: new Map([['net/ipv4/conf/lo/forwarding', '0']]),
    programId: 10,
    overlay: NOTHING,
  };
}

/** The observed state for a command about nodes only: no devices. */
function foundOf(state: State): Observed {
  const { overlay: _overlay, ...rest } = observed(scopedEntries(state, 'node'));
  return rest;
}

const short = (step: Step): string => {
  switch (step.op) {
    case 'table.put':
    case 'table.delete':
      return `${step.op} ${step.entry.table}`;
    case 'overlay.create':
    case 'overlay.delete':
      return `${step.op} ${step.device.kind}`;
    case 'overlay.attach':
    case 'overlay.detach':
      return `${step.op} ${step.program}`;
    default:
      return step.op;
  }
};

const order = (steps: readonly Step[]): string[] => [...new Set(steps.map(short))];

test('a node can send before it receives, and stops receiving before it stops sending', (t) => {
  const after = base();
  const arriving = order(
    plan({ before: EMPTY_STATE, after, scope: 'node', observed: observed([]) }),
  );
  t.deepEqual(arriving, [
    'sysctl.set',
    'table.put network',
    'table.put node',
    'table.put vtep',
    'overlay.create replicator',
    'overlay.create anchor',
    'table.put underlay',
    'overlay.attach replicate',
    'overlay.attach anchor',
    'overlay.attach underlay',
    'overlay.attach decap',
    'table.put vni',
    'table.put replica',
  ]);
  const there = kernelOf(after);
  const steady = {
    ...there,
    sysctls: new Map([['net/ipv4/conf/lo/forwarding', '1']]),
  };
  t.deepEqual(plan({ before: after, after, scope: 'node', observed: steady }), []);
  const leaving = order(
    plan({ before: after, after: unsetUnderlay(after), scope: 'node', observed: steady }),
  );
  t.deepEqual(leaving, [
    'table.delete replica',
    'overlay.detach decap',
    'overlay.detach underlay',
    'overlay.detach anchor',
    'overlay.detach replicate',
    'overlay.delete replicator',
    'overlay.delete anchor',
    'table.delete vni',
    'table.delete underlay',
    'table.put network',
    'nft.apply',
  ]);
});

test('an anchor gets no more packets before it is deleted', (t) => {
  const before = base();
  const { anchor: _anchor, ...resolvedUnderlay } = RESOLVED;
  const steps = plan({
    before,
    after: { ...before, resolvedUnderlay },
    scope: 'node',
    observed: { ...kernelOf(before), sysctls: new Map([['net/ipv4/conf/lo/forwarding', '1']]) },
  });
  t.deepEqual(steps.map(short), [
    'table.put underlay',
    'overlay.detach anchor',
    'overlay.delete anchor',
  ]);
});

test('another build takes the programs over where they run', (t) => {
  const state = base();
  const there = kernelOf(state);
  const steps = plan({
    before: state,
    after: state,
    scope: 'node',
    observed: {
      ...there,
      sysctls: new Map([['net/ipv4/conf/lo/forwarding', '1']]),
      overlay: { ...(there.overlay ?? NOTHING), programIds: new Map([['underlay', 99]]) },
    },
  });
  t.deepEqual(
    steps.map((step) => (step.op === 'overlay.attach' ? [step.program, step.replaces] : step.op)),
    [
      ['replicate', true],
      ['anchor', true],
      ['underlay', true],
      ['decap', true],
    ],
  );
});

test('a deleted node first leaves the flood lists, and its entry goes last', (t) => {
  const before = addRemoteFdb(base(), {
    network: 'blue',
    mac: '02:00:00:00:00:09',
    node: 'b',
    ips: ['10.0.0.9'],
  }).state;
  const after = deleteRemote(before, 'b');
  const scope: Scope = { endpoints: new Set(), networks: new Set(), nodes: new Set([2]) };
  const steps = plan({ before, after, scope, observed: foundOf(before) });
  t.deepEqual(steps.filter(({ op }) => op !== 'sysctl.set').map(short), [
    'table.delete replica',
    'table.delete neigh',
    'table.delete fdb',
    'table.put network',
    'table.delete vtep',
    'table.delete node',
    'node.forget',
  ]);
  const network = steps.find((step) => step.op === 'table.put' && step.entry.table === 'network');
  t.is(network?.op === 'table.put' ? decodeValue('network', network.entry.value).replicas : 0, 1);
});

test('a new address is accepted before the old one is dropped', (t) => {
  const before = base();
  const after = addRemote(before, { name: 'a', vtep: '192.0.2.77' }).state;
  const scope: Scope = { endpoints: new Set(), networks: new Set(), nodes: new Set([1]) };
  const steps = plan({ before, after, scope, observed: foundOf(before) });
  t.deepEqual(steps.filter(({ op }) => op !== 'sysctl.set').map(short), [
    'table.put node',
    'table.put vtep',
    'table.delete vtep',
  ]);
});
