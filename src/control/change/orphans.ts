/** Orphans: what dpctl made and no record asks for any more, left by a lost store or by manual changes. */
import { advice, exec, run } from '../../../loader/hint.js';
import { pinnedLinkIds } from '../../datapath/hook.js';
import { type Link, linkDump, linkGet } from '../../linux/netlink/link.js';
import { isGateway, wantedPorts } from '../../model/desired/desired.js';
import type { RawEntry } from '../../model/desired/table-entry.js';
import type { Observed, Obstacle, Orphan } from '../../model/plan/observed.js';
import { endpointOfFdb, inScope, isLearned, nodeOfFdb, type Scope } from '../../model/plan/plan.js';
import { DRIVERS } from '../../model/state/local.js';
import { isPending } from '../../model/state/lookup.js';
import { hostMacOf, markOf } from '../../model/state/ownership-mark.js';
import type { Endpoint, State } from '../../model/state/state.js';
import { hostPins, type Node } from '../node/node.js';
import { isOfLostRoot } from './lost-roots.js';
import { isOwn, MADE_DEVICE } from './own-device.js';

/** Devices, pinned links and learned MACs that belong to no endpoint of a state. */
export function findOrphans(
  node: Node,
  after: State,
  entries: ReadonlyMap<string, RawEntry>,
): Orphan[] {
  const known = new Set(after.endpoints.map(({ id }) => id));
  const indexes = new Set(after.endpoints.map(({ ifindex }) => ifindex));
  const names = new Set(after.endpoints.flatMap((e) => [e.hostIfname, e.ifname]));
  const pairs: readonly string[] = DRIVERS;
  const orphans: Orphan[] = [];
  for (const link of linkDump(node.rtnl(), { statistics: false })) {
    if (indexes.has(link.ifindex) || names.has(link.name)) continue;
    // An adopted device belongs to its owner, even when it has a mark.
    if (!pairs.includes(link.kind ?? '') || !wasMade(link)) continue;
    if (isOwn(node, after.rootId, link)) orphans.push(deviceOrphan(link));
  }
  for (const id of pinnedLinkIds(hostPins(node)).keys()) {
    if (!known.has(id)) orphans.push({ kind: 'link', id });
  }
  return [...orphans, ...learnedOrphans(after, known, entries)];
}

/** Whether dpctl made the device, whatever its name: its MAC matches its mark. */
function wasMade({ name, alias, mac }: Link): boolean {
  const { root, endpoint } = markOf(alias) ?? {};
  if (root !== undefined && endpoint !== undefined && mac === hostMacOf({ id: endpoint, root })) {
    return true;
  }
  return MADE_DEVICE.test(name);
}

/** MACs learned behind endpoints and nodes that no longer exist. */
function learnedOrphans(
  after: State,
  endpoints: ReadonlySet<number>,
  entries: ReadonlyMap<string, RawEntry>,
): Orphan[] {
  const nodes = new Set(after.nodes.map(({ number }) => number));
  const [goneEndpoints, goneNodes] = [new Set<number>(), new Set<number>()];
  for (const entry of entries.values()) {
    if (!isLearned(entry)) continue;
    const node = nodeOfFdb(entry);
    if (node === 0 && !endpoints.has(endpointOfFdb(entry))) goneEndpoints.add(endpointOfFdb(entry));
    if (node !== 0 && !nodes.has(node)) goneNodes.add(node);
  }
  return [
    ...[...goneEndpoints].map((endpoint): Orphan => ({ kind: 'learned', endpoint })),
    ...[...goneNodes].map((node): Orphan => ({ kind: 'learned-node', node })),
  ];
}

/** What occupies the names of devices that are to be made. */
export interface Squatters {
  /** This root's own leftovers. */
  readonly orphans: readonly Orphan[];
  /** By endpoint number: something else has the name. */
  readonly blocked: ReadonlyMap<number, Obstacle>;
  /** Gateways whose interface is the other end of such an orphan: it is deleted with the orphan. */
  readonly freed: ReadonlySet<number>;
}

/** Look for devices that hold the names of missing endpoints. dpctl's own leftovers are deleted. */
export function findSquatters(
  node: Node,
  after: State,
  scope: Scope,
  ports: Observed['ports'],
): Squatters {
  const orphans: Orphan[] = [];
  const blocked = new Map<number, Obstacle>();
  const freed = new Set<number>();
  const known = new Set(after.endpoints.map(({ ifindex }) => ifindex));
  for (const { endpoint } of wantedPorts(after)) {
    const port = ports.get(endpoint.id);
    // No device is made for a namespace that is gone.
    const isGone = port?.namespace === 'gone' && !isPending(endpoint.namespace);
    const host = port?.host;
    // The owner of an adopted device chooses its name.
    const isNamed =
      host !== undefined && (isAdopted(endpoint) || host.name === endpoint.hostIfname);
    const isBlocked = port?.blocked !== undefined;
    if (!inScope(scope, endpoint.id) || isNamed || isGone) continue;
    if (isBlocked && !isGateway(endpoint)) continue;
    const link = linkGet(node.rtnl(), { name: endpoint.hostIfname });
    if (link === undefined) continue;
    if (link.ifindex === host?.ifindex) {
      blocked.set(endpoint.id, nameKept(link, endpoint));
      continue;
    }
    if (isOwn(node, after.rootId, link) && !known.has(link.ifindex)) {
      const inner = linkGet(node.rtnl(), { name: endpoint.ifname });
      if (isBlocked && inner?.ifindex !== link.peerIfindex) continue;
      orphans.push(deviceOrphan(link));
      freed.add(endpoint.id);
      continue;
    }
    if (isBlocked) continue;
    const isMarked = markOf(link.alias) !== undefined;
    const owner = isOfLostRoot(link) ? 'a dpctl root whose records are lost' : 'another dpctl root';
    const whose = isMarked ? `belongs to ${owner}` : 'does not belong to dpctl';
    blocked.set(endpoint.id, nameTaken(link, endpoint, whose));
  }
  return { orphans, blocked, freed };
}

function isAdopted({ adopted }: Endpoint): boolean {
  return adopted !== undefined;
}

/** A device cannot take a name that it already has as an alternative name. */
function nameKept({ name }: Link, { hostIfname, namespace, ifname }: Endpoint): Obstacle {
  return {
    code: 'INTERFACE_EXISTS',
    message: `the host end of ${namespace.ref}/${ifname} is called ${name}, and keeps ${hostIfname} as an alternative name`,
    hint: advice`${exec`ip link property del dev ${name} altname ${hostIfname}`}, then: ${run`reconcile`}`,
    exitCode: 1,
  };
}

function deviceOrphan({ name, ifindex }: Link): Orphan {
  return { kind: 'device', name, ifindex };
}

function nameTaken({ name, alias }: Link, { namespace }: Endpoint, whose: string): Obstacle {
  const what = alias === undefined ? name : `${name} (${alias})`;
  return {
    code: 'INTERFACE_EXISTS',
    message: `${namespace.ref} needs an interface ${name} on this node, and the existing one ${whose}: ${what}`,
    hint: advice`${exec`ip link show ${name}`}; each root needs a network namespace of its own`,
    exitCode: 1,
  };
}
