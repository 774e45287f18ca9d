/** reset: remove every trace of a node. */
import { existsSync, rmdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { unbindNetns, unmount } from '../kernel/bpffs.js';
import { uninstallDatapath } from '../kernel/datapath.js';
import { hostPath } from '../kernel/mountns.js';
import { nftDelete } from '../kernel/nft.js';
import { isGateway } from '../model/desired.js';
import { markDetaching } from '../model/edit.js';
import { EMPTY_STATE, type State } from '../model/state.js';
import { change, nodeExists } from './change.js';
import { hostPins, type Node } from './node.js';
import type { PlanRow } from './types.js';

/** What reset would remove, in words. Empty on a node that was never used. */
export function resetPlan(node: Node): PlanRow[] {
  if (!nodeExists(node)) return [];
  const state = loadOrNothing(node);
  const rows: PlanRow[] = [];
  for (const endpoint of state.endpoints) {
    const { ref, created } = endpoint.namespace;
    const kind = isGateway(endpoint) ? 'gateway' : 'endpoint';
    rows.push(row(kind, isGateway(endpoint) ? endpoint.network : `${ref}/${endpoint.ifname}`));
    if (created) rows.push(row('namespace', ref));
  }
  for (const { name } of state.networks) rows.push(row('network', name));
  for (const { key, before } of state.sysctls) {
    rows.push(row('sysctl', key.replaceAll('/', '.'), `back to ${before}`));
  }
  for (const path of [
    node.paths.bpfDir,
    node.paths.netns,
    node.paths.runDir,
    node.paths.stateDir,
  ]) {
    if (existsSync(hostPath(path))) rows.push(row('path', path));
  }
  return rows;
}

function row(what: string, subject: string, detail = ''): PlanRow {
  return { step: `remove ${what}`, subject, detail };
}

/** A store that cannot be read is removed with the rest; what it named is found in the kernel. */
function loadOrNothing(node: Node): State {
  try {
    return node.store.load();
  } catch {
    return EMPTY_STATE;
  }
}

/**
 * Remove every endpoint, network, program, map, rule, mount and file of a node, and put host
 * sysctls back. Goes as far as it can and may be repeated.
 * @returns what was removed
 */
export async function reset(node: Node): Promise<PlanRow[]> {
  const rows = resetPlan(node);
  if (!nodeExists(node)) return rows;
  const state = loadOrNothing(node);
  if (state === EMPTY_STATE) node.store.discard();
  await change(node, {}, (current) => {
    let emptied = current;
    for (const { id } of current.endpoints) emptied = markDetaching(emptied, id);
    return { state: { ...emptied, networks: [], staticFdb: [] }, scope: 'node' };
  });
  await nftDelete(hostPath(node.paths.netns));
  uninstallDatapath(hostPins(node));
  node.close();
  await unmount(node.paths.bpfDir);
  await unbindNetns(node.paths.netns);
  for (const dir of [node.paths.runDir, node.paths.stateDir]) {
    rmSync(hostPath(dir), { recursive: true, force: true });
  }
  removeEmptyParents(node);
  return rows;
}

/** Of a root of its own, the directories that only dpctl needed go too. */
function removeEmptyParents({ paths }: Node): void {
  if (paths.root === '/') return;
  for (const dir of ['run', 'var/lib', 'var']) {
    try {
      rmdirSync(hostPath(join(paths.root, dir)));
    } catch {
      return;
    }
  }
}
