/** States and directories that the tests of the store share. */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { addEndpoint } from '../../../src/model/endpoint/attach.js';
import { removeEndpoint } from '../../../src/model/endpoint/edits.js';
import { addNetwork, deleteNetwork } from '../../../src/model/network/networks.js';
import { EMPTY_STATE, type State } from '../../../src/model/state/state.js';
import type { FileStoreOptions } from '../../../src/store/file-paths.js';
import type { Versioned } from '../../../src/store/store.js';

/** A new directory with this process's number in its name. */
export function temporary(): string {
  return mkdtempSync(join(tmpdir(), `dpctl-store-${process.pid}-`));
}

/** The two directories of a store below one, and the boot of the tests. */
export function directories(dir: string): FileStoreOptions {
  return { runDir: join(dir, 'run'), stateDir: join(dir, 'state'), bootId: 'boot-1' };
}

/** The content of a store before the first save. */
export const NOTHING: Versioned = { revision: 0, state: EMPTY_STATE };

/** A state with one network and `count` endpoints. */
export function stateOf(count: number, network = 'default'): State {
  const subnets = ['10.201.0.0/16', 'fd00:c9::/64'];
  let { state } = addNetwork(EMPTY_STATE, { name: network, subnets });
  for (let n = 1; n <= count; n++) {
    const ref = `ns${n}`;
    const namespace = {
      ref,
      kind: 'name' as const,
      path: `/run/netns/${ref}`,
      cookie: `${n}`,
      created: false,
    };
    state = addEndpoint(state, { namespace, network, ifindex: n + 10, defaultMtu: 1500 }).state;
  }
  return state;
}

/** Pairs of states between which a save takes more than one step. */
export function crashCases(): Record<string, { readonly before: State; readonly after: State }> {
  const two = stateOf(2);
  const empty = deleteNetwork(removeEndpoint(removeEndpoint(two, 1), 2), 'default');
  const blue = addNetwork(empty, { name: 'blue', vni: 9, subnets: ['10.1.0.0/24'] }).state;
  // Another index than that of the deleted network, as the edits of one command assign it.
  const other = { ...blue, networks: blue.networks.map((network) => ({ ...network, index: 2 })) };
  const namespace = { ref: 'b', kind: 'name' as const, path: '/b', cookie: '9', created: false };
  const swapped = addEndpoint(other, {
    namespace,
    network: 'blue',
    ifindex: 99,
    defaultMtu: 1500,
  }).state;
  // What `node del` saves before its first step.
  const known: State = { ...two, nodes: [{ name: 'far', number: 1, vtep: '192.0.2.7' }] };
  return {
    appear: { before: EMPTY_STATE, after: two },
    vanish: { before: two, after: empty },
    swap: { before: two, after: swapped },
    intent: { before: known, after: { ...two, unfinished: true } },
  };
}
