/** Labs: several nodes on one machine, made, listed and removed as a whole. */
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { DpctlError } from '../../loader/errors.js';
import { advice, advises, exec, run } from '../../loader/hint.js';
import type { LabRequest, LabRow, LabSpec, LabUp } from '../api/lab.js';
import { hostPath } from '../linux/mountns.js';
import { deleteNetns, netnsExists, netnsList } from '../linux/netns.js';
import { isThere } from '../linux/path-status.js';
import { raiseFabric } from './fabric.js';
import { isOfLab, type LabNode, labNodes, nsOf } from './names.js';
import { raiseNode } from './node.js';
import { partsOf } from './parts.js';
import { demolish, dropDeadNames, guessSpec, isReplaced, labNodeRef, mendNode } from './repair.js';
import { checkLabName, labSpec } from './spec.js';
import { forgetLab, labDir, labNames, nodeDirs, readLab, writeLab } from './store.js';

/**
 * Make a lab, or bring an existing one to the requested form. May be repeated. A new lab that fails halfway
 * is removed again.
 * @param root directory below which the lab keeps its files; `/` when undefined
 * @throws DpctlError LAB_NAME_INVALID, LAB_RANGE and the errors of its nodes
 */
export async function labUp(root: string | undefined, request: LabRequest): Promise<LabUp> {
  const start = performance.now();
  const dir = labDir(root, checkLabName(request.name));
  const existed = isThere(hostPath(dir));
  const old = readLab(dir);
  const spec = labSpec(request, old ?? (existed ? guessSpec(request.name, dir) : undefined));
  refuseForeign(dir, spec);
  writeLab(dir, spec);
  const asBefore = isDeepStrictEqual(spec, old);
  try {
    const changed = (await raise(spec, dir, existed && asBefore)) || !asBefore;
    const rows = await partsOf(spec.name, spec, dir);
    return { spec, rows, changed, milliseconds: performance.now() - start };
  } catch (error) {
    // An existing lab keeps its working parts, and a refused request is not recorded.
    if (!existed) await labDown(root, spec.name);
    else if (old !== undefined) writeLab(dir, old);
    throw ofLab(error, spec.name);
  }
}

/**
 * @param asBefore the request is the same as before: whatever fails now is damaged
 * @returns whether anything was changed
 */
async function raise(spec: LabSpec, dir: string, asBefore: boolean): Promise<boolean> {
  const { name } = spec;
  let changed = await dropDeadNames(name);
  const nodes = labNodes(spec, dir);
  const wanted = new Set(nodes.map(({ where }) => where));
  for (const where of nodeDirs(dir)) {
    if (!wanted.has(where)) await demolish(name, labNodeRef(name, dir, where));
  }
  for (const node of nodes) changed = (await mendNode(name, node)) || changed;
  changed = (await raiseFabric(spec, nodes)) || changed;
  for (const node of nodes) {
    changed = (await raiseOrRebuild(spec, node, nodes, asBefore)) || changed;
  }
  return changed;
}

async function raiseOrRebuild(
  spec: LabSpec,
  node: LabNode,
  nodes: readonly LabNode[],
  asBefore: boolean,
): Promise<boolean> {
  try {
    return await raiseNode(spec, node, nodes);
  } catch (error) {
    const unreadable =
      error instanceof DpctlError &&
      error.code.startsWith('STORE_') &&
      error.code !== 'STORE_CONFLICT';
    if (!asBefore && !unreadable) throw error;
    await demolish(spec.name, node);
    await raiseFabric(spec, nodes);
    await raiseNode(spec, node, nodes);
    return true;
  }
}

/** Namespaces with these names that no lab has created belong to another user. */
function refuseForeign(dir: string, { name }: LabSpec): void {
  if (isThere(hostPath(dir))) return;
  const taken = netnsList().find((ns) => isOfLab(name, ns));
  if (taken === undefined) return;
  throw new DpctlError('NETNS_EXISTS', `namespace ${taken} exists, but lab ${name} does not`, {
    exitCode: 1,
    hint: advice`${run`lab up --name lab2`}, or ${exec`ip netns del ${taken}`}`,
    details: { ns: taken, lab: name },
  });
}

/**
 * Remove a lab, whatever state it is in.
 * @returns what was removed; undefined: there is no such lab
 * @throws DpctlError LAB_INCOMPLETE, exit 2, when something could not be removed; all else is
 */
export async function labDown(
  root: string | undefined,
  name: string,
): Promise<LabRow[] | undefined> {
  const dir = labDir(root, checkLabName(name));
  if (!isThere(hostPath(dir))) return undefined;
  const rows = await partsOf(name, readLab(dir), dir);
  const failures: unknown[] = [];
  const attempt = async (action: () => unknown): Promise<void> => {
    try {
      await action();
    } catch (error) {
      failures.push(error);
    }
  };
  await attempt(() => dropDeadNames(name));
  for (const where of nodeDirs(dir))
    await attempt(() => demolish(name, labNodeRef(name, dir, where)));
  for (const ns of netnsList().filter((each) => isOfLab(name, each))) {
    await attempt(() => deleteNetns(ns));
  }
  if (failures.length > 0) throw incomplete(name, failures);
  forgetLab(root, name);
  return rows;
}

function incomplete(name: string, failures: readonly unknown[]): DpctlError {
  const texts = failures.map((failure) => (failure instanceof Error ? failure.message : failure));
  return new DpctlError('LAB_INCOMPLETE', `some things could not be removed: ${texts.join('; ')}`, {
    hint: advice`${run`lab down --name ${name}`}, after removing what prevents it`,
    details: { failures: texts },
    cause: failures[0],
  });
}

/** The nodes and endpoints of one lab or of all: what lab down would remove. */
export async function labRows(root: string | undefined, name?: string): Promise<LabRow[]> {
  const rows: LabRow[] = [];
  for (const each of labNames(root)) {
    if (name !== undefined && each !== name) continue;
    const dir = labDir(root, each);
    rows.push(...(await partsOf(each, readLab(dir), dir)));
  }
  return rows;
}

/** Adapt an error of a node: its own hint would reset this machine's node instead of the lab's. */
function ofLab(error: unknown, name: string): unknown {
  if (!(error instanceof DpctlError) || !advises(error.hint ?? '', 'reset')) return error;
  const { code, message, exitCode, details, cause } = error;
  return new DpctlError(code, message, {
    exitCode,
    hint: run`lab down --name ${name}`,
    details,
    cause,
  });
}

/** A place in a lab where a program can run. */
export interface LabNamespace {
  readonly ns: string;
  /** Root directory of this node, or of this endpoint's node. */
  readonly root: string;
}

/**
 * The place called n1 or n1e1.
 * @throws DpctlError LAB_NOT_UP, LAB_PLACE, exit 3
 */
export async function findLabNamespace(
  root: string | undefined,
  name: string,
  where: string,
): Promise<LabNamespace> {
  const dir = labDir(root, checkLabName(name));
  if (readLab(dir) === undefined) {
    throw new DpctlError('LAB_NOT_UP', `there is no lab ${name}`, {
      exitCode: 3,
      hint: name === 'lab' ? run`lab up` : run`lab up --name ${name}`,
      details: { lab: name },
    });
  }
  const number = /^n(\d+)/.exec(where)?.[0];
  const ns = nsOf(name, where);
  if (number !== undefined && where !== 'sw' && isOfLab(name, ns) && netnsExists(ns)) {
    const place = { ns, root: join(dir, number) };
    if (await isReplaced(place, where === number)) throw replaced(name, where, ns);
    return place;
  }
  throw new DpctlError('LAB_PLACE', `lab ${name} has no ${JSON.stringify(where)}`, {
    exitCode: 3,
    hint: advice`${run`lab list`}; n1 is a node, n1e1 an endpoint of it`,
    details: { lab: name, where },
  });
}

/** The name belongs to another namespace than when the lab was made: a program would change that one. */
function replaced(lab: string, where: string, ns: string): DpctlError {
  return new DpctlError('LAB_PLACE', `${ns} is no longer the namespace of ${where} in lab ${lab}`, {
    exitCode: 3,
    hint: lab === 'lab' ? run`lab up` : run`lab up --name ${lab}`,
    details: { lab, where, ns },
  });
}
