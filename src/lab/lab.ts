/** Labs: several nodes on one machine, made, listed and removed as a whole. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { DpctlError } from '../../loader/errors.js';
import { endpointList, openNode } from '../control/api.js';
import { hostPath } from '../kernel/mountns.js';
import { deleteNetns, netnsExists, netnsList } from '../kernel/netns.js';
import { raiseFabric } from './fabric.js';
import { isOfLab, type LabNode, labNodes, nsOf } from './names.js';
import { raiseNode, removeNode } from './node.js';
import { checkLabName, type LabRequest, type LabSpec, labSpec } from './spec.js';
import { forgetLab, labDir, labNames, nodeDirs, readLab, writeLab } from './store.js';

/** A node or an endpoint of a lab. */
export interface LabRow {
  readonly lab: string;
  /** n1, n1e1 ... */
  readonly where: string;
  readonly kind: 'node' | 'endpoint';
  readonly ns: string;
  readonly network: string;
  readonly vni: number;
  readonly ip4: string;
  readonly ip6: string;
  readonly mac: string;
  /** Root directory of the node. */
  readonly root: string;
}

/** What lab up did. */
export interface LabUp {
  readonly spec: LabSpec;
  readonly rows: readonly LabRow[];
  /** False where all was as asked already; of the underlay only what is recorded counts. */
  readonly changed: boolean;
  readonly milliseconds: number;
}

/**
 * Make a lab, or make one that is up what is asked now. May be repeated. A new one that cannot be
 * made whole is taken away again.
 * @param root directory below which the lab keeps its files; `/` when undefined
 * @throws DpctlError LAB_NAME_INVALID, LAB_RANGE and whatever the nodes refuse
 */
export async function labUp(root: string | undefined, request: LabRequest): Promise<LabUp> {
  const start = performance.now();
  const dir = labDir(root, checkLabName(request.name));
  const old = readLab(dir);
  const spec = labSpec(request, old);
  refuseForeign(dir, spec);
  writeLab(dir, spec);
  try {
    const changed = (await raise(spec, dir)) || !isDeepStrictEqual(spec, old);
    const rows = rowsOf(spec, dir, (error) => {
      throw error;
    });
    return { spec, rows, changed, milliseconds: performance.now() - start };
  } catch (error) {
    // Of one that was up, what works is left as it is.
    if (old === undefined) await labDown(root, spec.name);
    throw ofLab(error, spec.name);
  }
}

/** @returns whether anything of a node was changed */
async function raise(spec: LabSpec, dir: string): Promise<boolean> {
  const nodes = labNodes(spec, dir);
  const wanted = new Set(nodes.map(({ where }) => where));
  for (const where of nodeDirs(dir)) {
    if (!wanted.has(where))
      await removeNode({ ns: nsOf(spec.name, where), root: join(dir, where) });
  }
  await raiseFabric(spec, nodes);
  let changed = false;
  for (const node of nodes) changed = (await raiseNode(spec, node, nodes)) || changed;
  return changed;
}

/** Namespaces of these names that no lab has made are somebody's. */
function refuseForeign(dir: string, { name }: LabSpec): void {
  if (existsSync(hostPath(dir))) return;
  const taken = netnsList().find((ns) => isOfLab(name, ns));
  if (taken === undefined) return;
  throw new DpctlError('NETNS_EXISTS', `there is a namespace ${taken}, and no lab ${name}`, {
    exitCode: 1,
    hint: `dpctl lab up --name lab2, or ip netns del ${taken}`,
    details: { ns: taken, lab: name },
  });
}

/**
 * Remove a lab, whatever state it is in.
 * @returns what was there, of which damaged nodes cannot tell all; undefined: there is no such lab
 * @throws DpctlError LAB_INCOMPLETE, exit 2, when something could not be removed; all else is
 */
export async function labDown(
  root: string | undefined,
  name: string,
): Promise<LabRow[] | undefined> {
  const dir = labDir(root, checkLabName(name));
  if (!existsSync(hostPath(dir))) return undefined;
  const spec = readLab(dir);
  const rows = spec === undefined ? [] : rowsOf(spec, dir, () => []);
  const failures: unknown[] = [];
  const attempt = async (action: () => unknown): Promise<void> => {
    try {
      await action();
    } catch (error) {
      failures.push(error);
    }
  };
  for (const where of nodeDirs(dir)) {
    await attempt(() => removeNode({ ns: nsOf(name, where), root: join(dir, where) }));
  }
  for (const ns of netnsList().filter((each) => isOfLab(name, each))) {
    await attempt(() => deleteNetns(ns));
  }
  if (failures.length > 0) throw incomplete(name, failures);
  forgetLab(root, name);
  return rows;
}

function incomplete(name: string, failures: readonly unknown[]): DpctlError {
  const texts = failures.map((failure) => (failure instanceof Error ? failure.message : failure));
  return new DpctlError('LAB_INCOMPLETE', `not all could be removed: ${texts.join('; ')}`, {
    hint: `dpctl lab down --name ${name}, when what stands in the way is gone`,
    details: { failures: texts },
    cause: failures[0],
  });
}

/**
 * The nodes and endpoints of a lab, or of all.
 * @throws DpctlError of a node that cannot be read, with what helps: the lab can be removed
 */
export function labRows(root: string | undefined, name?: string): LabRow[] {
  return labNames(root)
    .filter((each) => name === undefined || each === name)
    .flatMap((each) => {
      const dir = labDir(root, each);
      const spec = readLab(dir);
      return spec === undefined
        ? []
        : rowsOf(spec, dir, (error) => {
            throw ofLab(error, each);
          });
    });
}

/** @param unreadable what to do where the endpoints of a node cannot be told */
function rowsOf(spec: LabSpec, dir: string, unreadable: (error: unknown) => LabRow[]): LabRow[] {
  const endpointsOf = (node: LabNode): LabRow[] => {
    try {
      return endpointRows(spec, node);
    } catch (error) {
      return unreadable(error);
    }
  };
  return labNodes(spec, dir)
    .filter(({ root }) => existsSync(hostPath(root)))
    .flatMap((node) => [nodeRow(spec, node), ...endpointsOf(node)]);
}

/** An error of a node, whose own hint would reset the node of this machine instead of the lab's. */
function ofLab(error: unknown, name: string): unknown {
  if (!(error instanceof DpctlError) || !/\bdpctl reset\b/.test(error.hint ?? '')) return error;
  const { code, message, exitCode, details, cause } = error;
  return new DpctlError(code, message, {
    exitCode,
    hint: `dpctl lab down --name ${name}`,
    details,
    cause,
  });
}

function nodeRow(spec: LabSpec, { where, ns, root, addresses }: LabNode): LabRow {
  const [ip4, ip6] = addresses;
  const base = { lab: spec.name, where, kind: 'node', ns, network: '', vni: 0 } as const;
  return { ...base, ip4, ip6, mac: '', root };
}

function endpointRows(spec: LabSpec, { root }: LabNode): LabRow[] {
  const node = openNode({ root });
  try {
    return endpointList(node).map(({ ns, network, vni, ip4, ip6, mac }) => ({
      lab: spec.name,
      where: ns.slice(spec.name.length + 1),
      kind: 'endpoint',
      ns,
      ...{ network, vni, ip4, ip6, mac, root },
    }));
  } finally {
    node.close();
  }
}

/** A place in a lab where a program can run. */
export interface LabPlace {
  readonly ns: string;
  /** Root directory of the node that it is, or is on. */
  readonly root: string;
}

/**
 * The place that people mean by n1 or n1e1.
 * @throws DpctlError LAB_NOT_UP, LAB_PLACE, exit 3
 */
export function labPlace(root: string | undefined, name: string, where: string): LabPlace {
  const dir = labDir(root, checkLabName(name));
  if (readLab(dir) === undefined) {
    throw new DpctlError('LAB_NOT_UP', `there is no lab ${name}`, {
      exitCode: 3,
      hint: name === 'lab' ? 'dpctl lab up' : `dpctl lab up --name ${name}`,
      details: { lab: name },
    });
  }
  const number = /^n(\d+)/.exec(where)?.[0];
  const ns = nsOf(name, where);
  if (number !== undefined && where !== 'sw' && isOfLab(name, ns) && netnsExists(ns)) {
    return { ns, root: join(dir, number) };
  }
  throw new DpctlError('LAB_PLACE', `lab ${name} has no ${JSON.stringify(where)}`, {
    exitCode: 3,
    hint: 'dpctl lab list; n1 is a node, n1e1 an endpoint of it',
    details: { lab: name, where },
  });
}
