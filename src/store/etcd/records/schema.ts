/**
 * Keys and JSON schemas of the records in etcd. Numbers in keys are hexadecimal with a fixed width, so that a
 * range of addresses is a range of keys.
 */
import * as z from 'zod/mini';
import { DpctlError } from '../../../../loader/errors.js';
import { exec } from '../../../../loader/hint.js';
import { formatIp, IP_BITS, type Ip, parseIp } from '../../../model/address/ip.js';
import { addressOf } from '../../../model/address/prefix.js';
import { clusterEndpointSchema, clusterNetworkSchema } from '../../../model/state/cluster.js';
import type { Entry } from '../client.js';

/** Incremented when a field changes its meaning. An older dpctl does not touch newer records. */
export const RECORD_VERSION = 1;

/** A node that has joined. It is alive while its key below `alive` exists. */
const nodeSchema = z.object({
  version: z.int(),
  name: z.string(),
  /** Random id of the root directory, which tells machines with the same name apart. */
  id: z.string(),
  vtep: z.string(),
  /** Build of dpctl on the node. */
  build: z.string(),
  /** An agent renews a lease for the node. Without an agent, its liveness is unknown. */
  leased: z.optional(z.literal(true)),
  /** Networks with endpoints on the node. Only their flooded frames are sent to it; if not set, all are. */
  networks: z.optional(z.array(z.string())),
  /** Prefixes that the node owns, by network. */
  prefixes: z.optional(z.record(z.string(), z.array(z.string()))),
});

const networkSchema = z.object({ version: z.int(), ...clusterNetworkSchema.shape });

const endpointSchema = z.object({
  version: z.int(),
  node: z.string(),
  ...clusterEndpointSchema.shape,
});

/** Holder of an address, a MAC or a range. */
const holderSchema = z.object({
  version: z.int(),
  node: z.string(),
  /** Number of the endpoint on its node; not set for a range. */
  endpoint: z.optional(z.int()),
  /** For a range: id of the call that reserved it. Concurrent calls of a node get different ranges. */
  call: z.optional(z.string()),
});

export const SCHEMAS = {
  ...{ node: nodeSchema, network: networkSchema, endpoint: endpointSchema, holder: holderSchema },
};

export type NodeRecord = z.infer<typeof nodeSchema>;
export type NetworkRecord = z.infer<typeof networkSchema>;
export type EndpointRecord = z.infer<typeof endpointSchema>;
export type Holder = z.infer<typeof holderSchema>;

/** Prefix of all keys of dpctl. The number is the version of the key layout. */
const TOP = '/dpctl/v1';

/** Prefixes of records, for lists and watches. */
export const PREFIXES = {
  nodes: `${TOP}/nodes/`,
  alive: `${TOP}/alive/`,
  networks: `${TOP}/networks/`,
  vnis: `${TOP}/vnis/`,
  endpoints: `${TOP}/endpoints/`,
  ranges: `${TOP}/ranges/`,
} as const;

/** Prefix of the endpoints of a node. */
export const endpointsOf = (node: string): string => `${PREFIXES.endpoints}${node}/`;
/** Prefix of the addresses, MACs or ranges of a network. */
export const addressesOf = (network: string): string => `${TOP}/addresses/${network}/`;
export const macsOf = (network: string): string => `${TOP}/macs/${network}/`;
export const rangesOf = (network: string): string => `${TOP}/ranges/${network}/`;

/** Keys of single records. */
export const KEYS = {
  node: (name: string): string => `${PREFIXES.nodes}${name}`,
  alive: (name: string): string => `${PREFIXES.alive}${name}`,
  vtep: (address: string): string => `${TOP}/vteps/${hexOf(parseIp(address))}`,
  network: (name: string): string => `${PREFIXES.networks}${name}`,
  vni: (vni: number): string => `${PREFIXES.vnis}${vni.toString(16).padStart(6, '0')}`,
  endpoint: (node: string, id: number): string => `${endpointsOf(node)}${id}`,
  /** @param address with or without a prefix length */
  address: (network: string, address: string): string =>
    `${addressesOf(network)}${hexOf(parseIp(addressOf(address)))}`,
  mac: (network: string, mac: string): string => `${macsOf(network)}${mac}`,
  range: (network: string, first: Ip): string => `${rangesOf(network)}${hexOf(first)}`,
};

/** `4-0ac90001`: family and number of an address, which separates IPv4 from IPv6. */
function hexOf({ family, value }: Ip): string {
  return `${family}-${value.toString(16).padStart(IP_BITS[family] / 4, '0')}`;
}

/** Parse the address at the end of a key of {@link KEYS}. */
export function addressOfKey(key: string): Ip {
  const [, family, digits] = /\/([46])-([0-9a-f]+)$/.exec(key) ?? [];
  return { family: family === '6' ? 6 : 4, value: BigInt(`0x${digits ?? '0'}`) };
}

/** The address at the end of a key, as text. */
export function addressTextOfKey(key: string): string {
  return formatIp(addressOfKey(key));
}

/** Encode a record as JSON. The result is deterministic. */
export function encode(record: Readonly<Record<string, unknown>>): Buffer {
  return Buffer.from(JSON.stringify({ version: RECORD_VERSION, ...record }));
}

/**
 * Decode and check a record.
 * @throws DpctlError CLUSTER_RECORD_NEWER or CLUSTER_RECORD_INVALID, exit 5
 */
export function decode<T extends z.ZodMiniType<{ readonly version: number }>>(
  schema: T,
  { key, value }: Pick<Entry, 'key' | 'value'>,
): z.infer<T> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(value.toString());
  } catch (cause) {
    throw invalid(key, 'it is not valid JSON', cause);
  }
  const { version } = (parsed ?? {}) as { readonly version?: unknown };
  // Check the version first: a newer record may differ in every other field.
  if (typeof version === 'number' && version > RECORD_VERSION) {
    throw new DpctlError(
      'CLUSTER_RECORD_NEWER',
      `${key} has version ${version}, and this dpctl supports at most ${RECORD_VERSION}`,
      { exitCode: 5, hint: 'upgrade dpctl on this node', details: { key, version } },
    );
  }
  const result = z.safeParse(schema, parsed);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw invalid(key, `${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`, result.error);
}

function invalid(key: string, why: string, cause: unknown): DpctlError {
  return new DpctlError(
    'CLUSTER_RECORD_INVALID',
    `${key} in etcd is not what dpctl wrote: ${why}`,
    {
      exitCode: 5,
      hint: exec`etcdctl get ${key}`,
      details: { key, why },
      cause,
    },
  );
}
