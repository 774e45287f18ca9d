/** status: desired state next to kernel state, and what would make them agree. */

import { exec, run } from '../../../loader/hint.js';
import { mapReadAll } from '../../../loader/map/batch.js';
import { hasFeature } from '../../../loader/probe.js';
import type { PlanRow } from '../../api/change.js';
import type { Fact, Problem, StatusReport } from '../../api/status.js';
import { FDB_MAX } from '../../contract/generated.js';
import { hostPins, type Node } from '../../control/node/node.js';
import { previewReconcile } from '../../control/node/reconcile.js';
import { areTablesPinned } from '../../datapath/install.js';
import { type ChainDrop, isNftMissing, nftForwardDrops } from '../../datapath/nft/nft.js';
import { withNetnsPath } from '../../linux/netns.js';
import { kernelRelease } from '../../linux/process.js';
import { driverOf, isGateway } from '../../model/desired/desired.js';
import { hintText } from '../../model/hint.js';
import type { Endpoint, State } from '../../model/state/state.js';
import { dump } from '../dump/dump.js';
import { narrowPaths, pathFacts, pathProblems } from './narrow-paths.js';
import { recordProblems } from './records.js';
import { inputProblems, underlayFacts, underlayProblems } from './underlay.js';

/**
 * Compare a node with its desired state.
 * @returns the differences as problems, each with the command that repairs it, and facts
 */
export async function status(node: Node): Promise<StatusReport> {
  node.refresh();
  const { state } = await node.store.load();
  const installed = areTablesPinned(hostPins(node));
  const { drift, gone, failures } = await previewReconcile(node);
  const drops = await forwardDrops(node, state);
  const paths = narrowPaths(node, state);
  const problems: Problem[] = [
    ...unfinishedProblems(state),
    ...(await recordProblems(node, state)),
    ...gone.map(
      (subject): Problem => ({
        code: 'NAMESPACE_GONE',
        subject,
        message: 'its namespace was deleted; the endpoint is still recorded',
        fix: run`reconcile`,
      }),
    ),
    ...failures.map(
      ({ subject, error }): Problem => ({
        code: error.code,
        subject,
        message: error.message,
        fix: error.hint ?? '',
      }),
    ),
    // Listed before the drift that it may cause.
    ...(await underlayProblems(node, state)),
    ...pathProblems(paths, state.underlay?.device ?? ''),
    ...driftProblems(state, drift),
    ...forwardProblems(drops ?? []),
    ...(await inputProblems(node, state)),
    ...(await fullProblems(node, installed)),
  ];
  const unseen = { name: 'firewall', value: 'not looked at: the program nft is not installed' };
  return {
    healthy: problems.length === 0,
    problems,
    facts: [
      ...(await facts(node, state, installed)),
      ...pathFacts(paths),
      ...(drops === undefined ? [unseen] : []),
    ],
  };
}

/** The next change finishes it automatically; until then, users should know. */
function unfinishedProblems({ unfinished }: State): Problem[] {
  if (unfinished !== true) return [];
  return [
    {
      code: 'UNFINISHED',
      subject: 'node',
      message: 'a command did not finish',
      fix: run`reconcile`,
    },
  ];
}

/** Steps that reconcile would take, as one problem for each object that they affect. */
function driftProblems(state: State, plan: readonly PlanRow[]): Problem[] {
  const used =
    state.endpoints.length + state.networks.length + state.nodes.length > 0 ||
    state.underlay !== undefined;
  if (!used || plan.length === 0) return [];
  const bySubject = new Map<string, PlanRow[]>();
  for (const row of plan) {
    const rows = bySubject.get(row.subject);
    if (rows === undefined) bySubject.set(row.subject, [row]);
    else rows.push(row);
  }
  return [...bySubject].map(([subject, rows]) => ({
    code: 'DRIFT',
    subject,
    message: `differs from the request: ${stepsText(rows)}`,
    fix: run`reconcile`,
  }));
}

/** Maximum number of steps that a problem names; a table may need one for each of its entries. */
const STEPS_NAMED = 10;

function stepsText(rows: readonly PlanRow[]): string {
  const named = rows
    .slice(0, STEPS_NAMED)
    .map(({ step, detail }) => `${step} ${detail}`.trim())
    .join('; ');
  const more = rows.length - STEPS_NAMED;
  return more > 0 ? `${named}; and ${more} more (${hintText(run`reconcile --dry-run`)})` : named;
}

/** Chains of the host's firewall that drop what gateways forward; undefined if nft is missing. */
async function forwardDrops(node: Node, state: State): Promise<ChainDrop[] | undefined> {
  if (!state.endpoints.some(isGateway)) return [];
  try {
    return await withNetnsPath(node.netnsFd(), (path) => nftForwardDrops(path, 'dpg'));
  } catch (error) {
    if (isNftMissing(error)) return undefined;
    throw error;
  }
}

/** A host firewall that drops what it should forward makes a gateway look broken. */
function forwardProblems(drops: readonly ChainDrop[]): Problem[] {
  return drops.map(({ family, table, chain }) => {
    const add = `add rule ${family} ${table} ${chain}`;
    const answers = `${add} oifname "dpg*" ct state established,related accept`;
    return {
      code: 'FORWARD_DROP',
      subject: `${family} ${table} ${chain}`,
      message: "the host's firewall drops by default, and no rule accepts the gateways' devices",
      fix: exec`nft ${`${add} iifname "dpg*" accept; ${answers}`}`,
    };
  });
}

/** A counter only grows, so it indicates a problem only while the table is full. */
async function fullProblems(node: Node, installed: boolean): Promise<Problem[]> {
  if (!installed) return [];
  const missed = [...(await dump(node, 'stats'))]
    .filter(({ name }) => name === 'fdb_full' || name === 'learn_room')
    .reduce((sum, { packets }) => sum + Number(packets), 0);
  const table = node.tables().map('fdb');
  // Learning leaves a quarter of the table to static entries, and the loudest nodes get half.
  if (missed === 0 || mapReadAll(table).count < Math.min(table.maxEntries, FDB_MAX / 2)) return [];
  return [
    {
      code: 'FDB_FULL',
      subject: 'fdb',
      message: `the table is full (${table.maxEntries} entries): ${missed} times, a MAC could not be learned`,
      fix: run`fdb flush`,
    },
  ];
}

function endpointsText(endpoints: readonly Endpoint[]): string {
  const netkit = endpoints.filter((each) => driverOf(each) === 'netkit').length;
  return netkit === 0 ? String(endpoints.length) : `${endpoints.length} (${netkit} netkit)`;
}

async function facts(node: Node, state: State, installed: boolean): Promise<readonly Fact[]> {
  const people = state.endpoints.filter((endpoint) => !isGateway(endpoint));
  const hooks = new Map<string, number>();
  for (const row of installed ? await dump(node, 'progs') : []) {
    // The overlay's programs are on no endpoint.
    if (row.owner !== 'dpctl' || row.ns === '') continue;
    hooks.set(String(row.hook), (hooks.get(String(row.hook)) ?? 0) + 1);
  }
  const hook = [...hooks].map(([name, count]) => `${name} (${count})`).join(', ');
  return [
    { name: 'kernel', value: kernelRelease() },
    { name: 'root', value: node.paths.root },
    { name: 'datapath', value: installed ? 'loaded' : 'not loaded' },
    { name: 'attached by', value: hook === '' ? 'nothing is attached' : hook },
    { name: 'tcx', value: hasFeature('tcx') ? 'yes' : 'no, clsact is used' },
    { name: 'networks', value: String(state.networks.length) },
    { name: 'endpoints', value: endpointsText(people) },
    { name: 'gateways', value: String(state.endpoints.length - people.length) },
    { name: 'static MACs', value: String(state.staticFdb.length + state.remoteFdb.length) },
    ...underlayFacts(state),
    ...state.sysctls.map(({ key, before, value }) => ({
      name: `sysctl ${key.replaceAll('/', '.')}`,
      value: `${value}, was ${before}`,
    })),
  ];
}
