/** reset: remove every trace of a node. */

import type { PlanRow } from '../../api/change.js';
import { detachHook, pinnedLinkIds } from '../../datapath/hook.js';
import { isNftMissing, nftDelete } from '../../datapath/nft/nft.js';
import { overlayKindOf } from '../../datapath/underlay/device.js';
import { isNsfs } from '../../linux/bpffs.js';
import { hostPath } from '../../linux/mountns.js';
import { linkDump, linkSet } from '../../linux/netlink/link.js';
import { withNetnsPath } from '../../linux/netns.js';
import { isThere } from '../../linux/path-status.js';
import { isGateway, wantedMasquerades } from '../../model/desired/desired.js';
import { hostRulesText, nftTableName, wantedHostRules } from '../../model/desired/host-rules.js';
import type { Observed } from '../../model/plan/observed.js';
import { plan } from '../../model/plan/plan.js';
import { markOf } from '../../model/state/ownership-mark.js';
import { EMPTY_STATE, type State } from '../../model/state/state.js';
import { throwUnseen } from '../../store/errors.js';
import type { Salvaged } from '../../store/store.js';
import { faultPoint } from '../change/fault-injection.js';
import { readKeys } from '../change/inspect.js';
import { devicesOfLostRoots, refuseLostRoots } from '../change/lost-roots.js';
import { findOrphans } from '../change/orphans.js';
import { isOwn } from '../change/own-device.js';
import { nodeExists } from '../change/prepared-node.js';
import { leaveQuietly } from '../cluster/leave.js';
import { inspectPort } from '../endpoint/inspect-port.js';
import { execute, isOmittedByReset } from '../steps/table.js';
import { inspectOverlay } from '../underlay/inspect.js';
import { lostNamespace, refuseOtherNamespace } from './namespace.js';
import { dismantle, hostPins, type Node } from './node.js';
import { sharedSysctls } from './other-roots.js';
import { incomplete, untold } from './reset-errors.js';

/** What reset would remove, in words. Empty on a node that was never used. */
export async function resetPlan(node: Node): Promise<PlanRow[]> {
  node.refresh();
  if (!nodeExists(node)) {
    refuseLostRoots(devicesOfLostRoots(node));
    return [];
  }
  const { state } = await loadOrSalvage(node);
  const rows: PlanRow[] = [];
  for (const endpoint of state.endpoints) {
    const { ref, created } = endpoint.namespace;
    const kind = isGateway(endpoint) ? 'gateway' : 'endpoint';
    rows.push(row(kind, isGateway(endpoint) ? endpoint.network : `${ref}/${endpoint.ifname}`));
    if (created) rows.push(row('namespace', ref));
  }
  for (const { name } of state.networks) rows.push(row('network', name));
  if (state.underlay !== undefined) rows.push(row('underlay', state.underlay.device));
  for (const { name, vtep } of state.nodes) rows.push(row('node', name, vtep));
  for (const { key, before } of state.sysctls) {
    rows.push(row('sysctl', key.replaceAll('/', '.'), `back to ${before}`));
  }
  for (const path of [
    node.paths.bpfDir,
    node.paths.netns,
    node.paths.runDir,
    node.paths.stateDir,
  ]) {
    if (isThere(hostPath(path))) rows.push(row('path', path));
  }
  return rows;
}

function row(what: string, subject: string, detail = ''): PlanRow {
  return { step: `remove ${what}`, subject, detail };
}

/** A store that cannot be read is removed with the rest, after restoring what it still names. */
async function loadOrSalvage(node: Node): Promise<Salvaged> {
  const found = await readable(node);
  if (lostNamespace(node) === undefined || isNsfs(node.paths.netns)) return found;
  // The node's namespace is gone with all changes in it: the caller's is another one.
  return { ...found, state: { ...found.state, sysctls: [], resolvedUnderlay: undefined } };
}

async function readable({ store }: Node): Promise<Salvaged> {
  try {
    const { state } = await store.load();
    if (state.untold !== true) return { state, unknown: [] };
  } catch (error) {
    // Running out of descriptors must not lose a record.
    throwUnseen(error);
  }
  return store.salvage();
}

/**
 * Remove every endpoint, network, program, map, rule, mount and file of a node, and restore host sysctls.
 * Needs neither a readable store nor a loadable object. Safe to repeat.
 * @returns what was removed
 * @throws DpctlError RESET_INCOMPLETE, exit 2, when something could not be removed; everything else is,
 *   except for the records that another reset needs
 */
export async function reset(node: Node): Promise<PlanRow[]> {
  const rows = await resetPlan(node);
  if (!nodeExists(node)) return rows;
  await node.store.clearLock();
  const release = await node.store.lock();
  try {
    node.refresh();
    const { state, unknown } = await loadOrSalvage(node);
    refuseOtherNamespace(node, state);
    const isBlank = state.rootId === undefined && state.endpoints.length === 0;
    const isForgotten = isBlank && pinnedLinkIds(hostPins(node)).size > 0;
    await leaveQuietly(node);
    await markUnfinished(node);
    const outside = await tearDown(node, state);
    const left = isBlank ? devicesOfLostRoots(node) : [];
    // Only the records can restore what is left outside.
    const keep = outside.length > 0 ? 'records' : 'nothing';
    const failures = [...outside, ...(await dismantle(node, keep))];
    if (failures.length > 0) throw incomplete(failures);
    if (unknown.length > 0) throw untold(node, unknown);
    refuseLostRoots(left);
    if (isForgotten) throw untold(node, ['all records and their copies are lost']);
  } finally {
    release();
  }
  return rows;
}

/** What is outside of dpctl's own file system: devices, namespaces, sysctls, rules. */
async function tearDown(node: Node, known: State): Promise<unknown[]> {
  const failures: unknown[] = [];
  const attempt = async (action: () => unknown): Promise<void> => {
    try {
      await action();
    } catch (error) {
      failures.push(error);
    }
  };
  const before = { ...known, rootId: known.rootId ?? markedRoot(node) };
  const endpoints = before.endpoints.map((each) => ({ ...each, phase: 'detaching' as const }));
  const after: State = {
    ...EMPTY_STATE,
    rootId: before.rootId,
    endpoints,
    sysctls: before.sysctls,
  };
  const marked = new Set<number>();
  await attempt(async () => {
    // Found by their links, which the steps remove.
    for (const ifindex of ownDevices(node, before.rootId)) marked.add(ifindex);
    const observed = observe(node, before, after);
    const steps = plan({ before, after, scope: 'node', observed });
    const outside = steps.filter((step) => !isOmittedByReset(step));
    for (const [index, step] of outside.entries()) {
      await attempt(() => {
        faultPoint(`reset.${index}`);
        return execute(node, step, { hook: undefined });
      });
    }
  });
  if (failures.length === 0) await attempt(() => unmarkDevices(node, marked));
  await attempt(() => deleteRules(node, before));
  return failures;
}

/** The command after an interrupted reset must inspect the whole node. */
async function markUnfinished({ store }: Node): Promise<void> {
  try {
    const loaded = await store.load();
    const { state } = loaded;
    if (state.endpoints.length > 0 || state.resolvedUnderlay !== undefined) {
      await store.save(loaded, { ...state, unfinished: true });
    }
  } catch {
    // Neither a full disk nor a damaged record may keep a node from being removed.
  }
}

/** Without tables and programs: they are removed as a whole, whatever they contain. */
function observe(node: Node, before: State, after: State): Observed {
  return {
    entries: new Map(),
    ports: new Map(
      before.endpoints.map((each) => [
        each.id,
        inspectPort(node, each, false, before.resolvedUnderlay !== undefined),
      ]),
    ),
    orphans: findOrphans(node, after, new Map()),
    masquerades: [],
    hostRules: hostRulesText([]),
    sysctls: readKeys(
      node,
      before.sysctls.map(({ key }) => key),
    ),
    shared: before.sysctls.length > 0 ? sharedSysctls(node) : [],
    programId: 0,
    overlay: inspectOverlay(node, before, false),
  };
}

/** Numbers of the devices that belong to this root, recorded or not. */
function ownDevices(node: Node, root: string | undefined): number[] {
  return linkDump(node.rtnl(), { statistics: false })
    .filter((link) => overlayKindOf(link) === undefined && isOwn(node, root, link))
    .map(({ ifindex }) => ifindex);
}

/** The id of this root from the marks of its devices, if no record holds it any more. */
function markedRoot(node: Node): string | undefined {
  const marked = linkDump(node.rtnl(), { statistics: false }).find(
    (link) => markOf(link.alias)?.root !== undefined && isOwn(node, undefined, link),
  );
  return markOf(marked?.alias)?.root;
}

/** Remove marks and programs from adopted devices that have no record. */
function unmarkDevices(node: Node, marked: ReadonlySet<number>): void {
  for (const { ifindex, alias } of linkDump(node.rtnl(), { statistics: false })) {
    if (!marked.has(ifindex) || markOf(alias) === undefined) continue;
    detachHook(hostPins(node), node.netnsFd(), 0, ifindex);
    linkSet(node.rtnl(), ifindex, { alias: '' });
  }
}

async function deleteRules(node: Node, before: State): Promise<void> {
  try {
    const table = nftTableName(before.rootId);
    await withNetnsPath(node.netnsFd(), (path) => nftDelete(path, table));
  } catch (error) {
    const { required } = wantedHostRules(before);
    if (!isNftMissing(error) || required || wantedMasquerades(before).length > 0) throw error;
  }
}
