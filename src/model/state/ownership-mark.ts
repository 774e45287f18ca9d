/**
 * The mark on what a root has made. Device names and numbers are reused, and several roots may share a
 * namespace: a device belongs to a root only if its mark carries the root's random id.
 */
import { derivedMac } from '../desired/overlay.js';
import type { Endpoint, State } from './state.js';

/** Maximum length of an alias in bytes (IFALIASZ with its NUL). */
const ALIAS_MAX = 255;
/** Every alias that dpctl sets begins with this. */
const ALIAS_PREFIX = 'dpctl ';
/** 48 bits: among 16 million roots on a machine, two share an id with a probability of one half. */
export const ROOT_ID_BYTES = 6;

/** The owner of a marked device. */
export interface Mark {
  /** Id of the root; undefined: an older dpctl set marks without one. */
  readonly root: string | undefined;
  /** Number of the endpoint; undefined: a device of the overlay, or an older mark. */
  readonly endpoint: number | undefined;
}

/** The id of a root from random bytes. */
export function rootIdOf(random: Uint8Array): string {
  return Buffer.from(random).toString('hex');
}

/** The mark in an alias; undefined: not dpctl's. */
export function markOf(alias: string | undefined): Mark | undefined {
  if (alias?.startsWith(ALIAS_PREFIX) !== true) return undefined;
  const [, root, id] = /^dpctl ([0-9a-f]{12})(?:\/(\d+))? /.exec(alias) ?? [];
  return { root, endpoint: id === undefined ? undefined : Number(id) };
}

/** The alias that `ip link` shows for a device of an endpoint: the mark, and a text for users. */
export function endpointAlias({ id, root, ...endpoint }: Endpoint): string {
  const label = endpointText(endpoint);
  return cut(root === undefined ? `dpctl ${label}` : `dpctl ${root}/${id} ${label}`);
}

function endpointText({ namespace, ifname, network }: Omit<Endpoint, 'id'>): string {
  return namespace.kind === 'node' ? `gateway ${network}` : `${namespace.ref}/${ifname}`;
}

/** The kernel refuses a longer alias; the mark is at its front. */
function cut(alias: string): string {
  let text = alias;
  while (Buffer.byteLength(text) > ALIAS_MAX) text = text.slice(0, -1);
  return text;
}

/**
 * MAC of the host end of a pair that dpctl makes. The kernel accepts an alias only for an existing device,
 * and a command may be killed between the two: until then the MAC is the mark.
 */
export function hostMacOf({ id, root = '' }: Pick<Endpoint, 'id' | 'root'>): string {
  return derivedMac(`host end ${root}/${id}`);
}

/** A state whose endpoints have their root's mark; endpoints of an older dpctl get it now. */
export function withMarks(state: State): State {
  const { rootId } = state;
  if (rootId === undefined || state.endpoints.every(({ root }) => root === rootId)) return state;
  return {
    ...state,
    endpoints: state.endpoints.map((each) =>
      each.root === rootId ? each : { ...each, root: rootId },
    ),
  };
}
