/** The parts of a lab: lab list shows them, and lab down removes them. */
import { isShortage } from '../../loader/errors.js';
import type { LabRow, LabSpec } from '../api/lab.js';
import { endpointList } from '../control/endpoint/list.js';
import { openNode } from '../control/node/node.js';
import { isNsfs } from '../linux/bpffs.js';
import { NETNS_DIR, netnsList } from '../linux/netns.js';
import { isOfLab, type LabNode, labNode, nsOf, switchNs } from './names.js';
import { isWhole } from './repair.js';
import { LAB_DEFAULT } from './spec.js';
import { nodeDirs } from './store.js';

const NO_NETWORK = { network: '', vni: 0, ip4: '', ip6: '', mac: '' } as const;

/**
 * All parts of a lab: requested ones, and existing ones by name.
 * @param spec undefined if the request is unknown
 * @param dir directory of the lab
 */
export async function partsOf(
  name: string,
  spec: LabSpec | undefined,
  dir: string,
): Promise<LabRow[]> {
  const named = netnsList().filter((ns) => isOfLab(name, ns));
  const numbers = new Set([
    ...Array.from({ length: spec?.nodes ?? 0 }, (_, i) => i + 1),
    ...nodeDirs(dir).map((where) => Number(where.slice(1))),
    ...named.flatMap((ns) => /-n(\d+)/.exec(ns)?.[1] ?? []).map(Number),
  ]);
  const asked = spec ?? { ...LAB_DEFAULT, name, endpoints: 0 };
  const rows: LabRow[] = [];
  for (const number of [...numbers].sort((a, b) => a - b)) {
    const node = labNode(asked, dir, number);
    // A node that was not requested was made by hand, or for an earlier form.
    const wanted = number <= (spec?.nodes ?? 0);
    rows.push(...(await nodeRows(name, wanted ? node : { ...node, endpoints: [] }, named)));
  }
  if (rows.length > 0) return rows;
  const ns = switchNs(name);
  const state = named.includes(ns) ? 'damaged' : 'missing';
  return [{ lab: name, where: 'sw', kind: 'switch', state, ns, ...NO_NETWORK, root: dir }];
}

async function nodeRows(lab: string, node: LabNode, named: readonly string[]): Promise<LabRow[]> {
  const { where, ns, root } = node;
  const attached = await attachedTo(node);
  const whole = isWhole(node) && attached !== undefined;
  const traces = named.includes(ns) || attached === undefined || attached.length > 0;
  const [ip4, ip6] = node.addresses;
  const self: LabRow = {
    ...{ lab, where, kind: 'node', state: whole ? 'up' : traces ? 'damaged' : 'missing' },
    ...{ ns, ...NO_NETWORK, ip4, ip6, root },
  };
  const known = new Map((attached ?? []).map((row) => [row.ns, row]));
  const own = new Set([
    ...known.keys(),
    ...node.endpoints.map((endpoint) => endpoint.ns),
    ...named.filter((each) => each.startsWith(`${nsOf(lab, where)}e`)),
  ]);
  const endpoints = [...own].map((each): LabRow => {
    const row = known.get(each);
    const there = isNsfs(`${NETNS_DIR}/${each}`);
    return {
      ...{ lab, where: each.slice(lab.length + 1), kind: 'endpoint' },
      state: there ? (row && whole ? 'up' : 'damaged') : 'missing',
      ...{ ns: each, ...NO_NETWORK, ...row, root },
    };
  });
  return [self, ...endpoints];
}

type Attached = Pick<LabRow, 'ns' | 'network' | 'vni' | 'ip4' | 'ip6' | 'mac'>;

/** The endpoints that a node knows; undefined if its records or its directory cannot be read. */
async function attachedTo({ root }: LabNode): Promise<Attached[] | undefined> {
  try {
    return await endpointsBelow(root);
  } catch (error) {
    if (isShortage(error)) throw error;
    return undefined;
  }
}

async function endpointsBelow(root: string): Promise<Attached[]> {
  const node = openNode({ root });
  try {
    const rows = await endpointList(node);
    return rows.map(({ ns, network, vni, ip4, ip6, mac }) => ({
      ...{ ns, network, vni, ip4, ip6, mac },
    }));
  } finally {
    node.close();
  }
}
