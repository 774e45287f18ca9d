/** Endpoints whose namespace is gone without a detach: a runtime killed the container. */
import { DpctlError } from '../../../loader/errors.js';
import { hasCarrier, type Link, linkDump } from '../../linux/netlink/link.js';
import { nsidOf } from '../../linux/netlink/nsid.js';
import { netnsPlace } from '../../linux/netns-make.js';
import { bareAddress, isGateway } from '../../model/desired/desired.js';
import type { Scope } from '../../model/plan/plan.js';
import { endpointLabel, isPending } from '../../model/state/lookup.js';
import type { Endpoint, State } from '../../model/state/state.js';
import { hostEndOf } from '../change/own-device.js';
import type { Node } from '../node/node.js';
import { withNamespace } from './namespace.js';

/**
 * With more endpoints than this, read all devices at once: a single request costs as much as ten entries of a
 * list.
 */
const FEW = 16;

/** The node's devices by number; undefined if they kept changing while they were read. */
function allLinks(node: Node): Map<number, Link> | undefined {
  try {
    const links = linkDump(node.rtnl(), { statistics: false });
    return new Map(links.map((link) => [link.ifindex, link]));
  } catch (error) {
    // Hundreds of containers come or go at once. Single devices can still be read.
    if (error instanceof DpctlError && error.code === 'DUMP_INTERRUPTED') return undefined;
    throw error;
  }
}

/** The existing host ends, by endpoint number. */
function hostEnds(node: Node, endpoints: readonly Endpoint[]): Map<number, Link> {
  const links = endpoints.length > FEW ? allLinks(node) : undefined;
  const found = new Map<number, Link>();
  for (const endpoint of endpoints) {
    const link = hostEndOf(node, endpoint, links);
    if (link !== undefined) found.set(endpoint.id, link);
  }
  return found;
}

/**
 * Endpoints whose namespace is gone, except those that a command is already removing.
 * @param devices look only at endpoints whose host ends have one of these numbers
 */
export function findDead(
  node: Node,
  { endpoints: all }: State,
  devices?: ReadonlySet<number>,
): Endpoint[] {
  const endpoints = devices === undefined ? all : all.filter(({ ifindex }) => devices.has(ifindex));
  const ends = hostEnds(node, endpoints);
  return endpoints.filter((endpoint) => {
    const { id, namespace, phase } = endpoint;
    if (ends.has(id) || isGateway(endpoint) || namespace.cookie === '' || phase === 'detaching') {
      return false;
    }
    // A namespace that is still to be made is not gone, unless something else now has its name.
    if (isPending(namespace) && netnsPlace(namespace.ref) !== 'taken') return false;
    return withNamespace(node, namespace, (fd) => fd === undefined);
  });
}

/**
 * What differs from an endpoint's record: gone, missing (its device is), moved (its interface is in another
 * namespace), or down.
 */
export function actualStates(node: Node, { endpoints }: State): Map<number, string> {
  const ends = hostEnds(node, endpoints);
  const states = new Map<number, string>();
  for (const { id, namespace, phase } of endpoints) {
    if (phase !== 'ready') continue;
    const end = ends.get(id);
    const state = withNamespace(node, namespace, (fd) => {
      if (end === undefined) return fd === undefined ? 'gone' : 'missing';
      if (fd !== undefined && !endsIn(node, end, fd)) return 'moved';
      return hasCarrier(end) ? undefined : 'down';
    });
    if (state !== undefined) states.set(id, state);
  }
  return states;
}

/**
 * Whether the other end of a pair is in the namespace of `nsFd`. A namespace without an id holds no end of a
 * pair.
 */
function endsIn(node: Node, { linkNetnsId }: Link, nsFd: number): boolean {
  if (nsFd === node.netnsFd()) return linkNetnsId === undefined;
  return linkNetnsId !== undefined && linkNetnsId === nsidOf(node.rtnl(), nsFd);
}

/** A scope that includes the dead endpoints, so that all of their remains are removed. */
export function withDead(scope: Scope, dead: readonly Endpoint[]): Scope {
  if (scope === 'node' || dead.length === 0) return scope;
  return {
    ...scope,
    endpoints: new Set([...scope.endpoints, ...dead.map(({ id }) => id)]),
    networks: new Set([...scope.networks, ...dead.map(({ network }) => network)]),
  };
}

/** Notes for the user about dead endpoints that are removed. */
export function deadNotes(dead: readonly Endpoint[]): string[] {
  return dead.map(
    ({ namespace, ifname }) => `endpoint ${namespace.ref} (${ifname}) is gone with its namespace`,
  );
}

/** Who had the addresses of a new endpoint before. */
export function inheritedNotes(heir: Endpoint | undefined, dead: readonly Endpoint[]): string[] {
  if (heir === undefined) return [];
  return (['ip4', 'ip6', 'mac'] as const).flatMap((key) => {
    const value = heir[key];
    const former = dead.find((each) => each.network === heir.network && each[key] === value);
    if (value === undefined || former === undefined) return [];
    return [`${bareAddress(value)} belonged to ${endpointLabel(former)}, which is gone`];
  });
}
