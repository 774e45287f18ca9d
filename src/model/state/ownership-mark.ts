/**
 * The mark on what a root has made. Names and numbers of devices are used again, and several roots may
 * share a namespace: a device is a root's own only if it says so, by the root's random id.
 */
import { derivedMac } from '../desired/overlay.js';
import type { Endpoint, State } from './state.js';

/** Bytes of an alias at the most (IFALIASZ with its NUL). */
const ALIAS_MAX = 255;
/** Every alias that dpctl gives begins with this. */
const ALIAS_PREFIX = 'dpctl ';
/** 48 bits: with 16 million roots on a machine, one pair in two would be alike. */
export const ROOT_ID_BYTES = 6;

/** Whose a marked device is. */
export interface Mark {
  /** Id of the root; undefined: an older dpctl gave marks without one. */
  readonly root: string | undefined;
  /** Number of the endpoint; undefined: a device of the overlay, or an older mark. */
  readonly endpoint: number | undefined;
}

/** The id of a root from random bytes. */
export function rootIdOf(random: Uint8Array): string {
  return Buffer.from(random).toString('hex');
}

/** The mark that an alias has; undefined: it is none of dpctl's. */
export function markOf(alias: string | undefined): Mark | undefined {
  if (alias?.startsWith(ALIAS_PREFIX) !== true) return undefined;
  const [, root, id] = /^dpctl ([0-9a-f]{12})(?:\/(\d+))? /.exec(alias) ?? [];
  return { root, endpoint: id === undefined ? undefined : Number(id) };
}

/** What `ip link` shows beside a device of an endpoint: its owner's mark, and words for people. */
export function endpointAlias({ id, root, ...endpoint }: Endpoint): string {
  const label = endpointText(endpoint);
  return cut(root === undefined ? `dpctl ${label}` : `dpctl ${root}/${id} ${label}`);
}

function endpointText({ namespace, ifname, network }: Omit<Endpoint, 'id'>): string {
  return namespace.kind === 'node' ? `gateway ${network}` : `${namespace.ref}/${ifname}`;
}

/** The kernel refuses a longer one; the mark is at its front. */
function cut(alias: string): string {
  let text = alias;
  while (Buffer.byteLength(text) > ALIAS_MAX) text = text.slice(0, -1);
  return text;
}

/**
 * MAC of the host end of a pair that dpctl makes. The kernel takes an alias only when the device is
 * there, and a command may be killed between the two: until then this is the mark.
 */
export function hostMacOf({ id, root = '' }: Pick<Endpoint, 'id' | 'root'>): string {
  return derivedMac(`host end ${root}/${id}`);
}

/** A state whose endpoints have their root's mark; one of an older dpctl gets it now. */
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
