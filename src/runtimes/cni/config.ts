/** The network configuration of a call. */
import * as z from 'zod/mini';
import { CODE, cniError, isVersion, NEWEST, VERSIONS, type Version } from './protocol.js';

const text = z.string();
const texts = z.array(text);
const attachment = z.looseObject({ containerID: text, ifname: text });
const attachments = z.optional(z.nullable(z.array(attachment)));

/** Unknown members belong to others: to delegated plugins, or to the runtime. */
const configSchema = z.looseObject({
  cniVersion: z.optional(text),
  name: z.optional(text),
  type: z.optional(text),
  /** dpctl's network; by default the one with the configuration's name. */
  network: z.optional(text),
  /** Settings of that network, used if it does not exist. */
  subnet: z.optional(z.union([text, texts])),
  range: z.optional(z.union([text, texts])),
  vni: z.optional(z.int()),
  gateway: z.optional(z.union([z.boolean(), text, texts])),
  masquerade: z.optional(z.boolean()),
  mtu: z.optional(z.int()),
  isolated: z.optional(z.boolean()),
  lock: z.optional(z.boolean()),
  ipam: z.optional(z.looseObject({ type: z.optional(text) })),
  dns: z.optional(z.looseObject({})),
  runtimeConfig: z.optional(z.looseObject({ ips: z.optional(texts), mac: z.optional(text) })),
  args: z.optional(
    z.looseObject({
      cni: z.optional(z.looseObject({ ips: z.optional(texts), mac: z.optional(text) })),
    }),
  ),
  prevResult: z.optional(z.nullable(z.looseObject({}))),
  'cni.dev/valid-attachments': attachments,
  /** The name under which some versions of libcni send the same. */
  'cni.dev/attachments': attachments,
});

export type CniConfig = z.infer<typeof configSchema>;

/** A configuration with a known version. */
export interface ReadConfig {
  readonly config: CniConfig;
  readonly version: Version;
}

/** Letters, digits, dots, dashes, underscores: the specification's names of networks. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]*$/;

/** @throws an error with code 1, 6 or 7 */
export function readConfig(given: string): ReadConfig {
  const config = parsed(given);
  const version = config.cniVersion ?? NEWEST;
  if (!isVersion(version)) {
    throw cniError(
      CODE.INCOMPATIBLE_VERSION,
      `cniVersion ${JSON.stringify(version)} is not supported`,
      `supported: ${VERSIONS.join(', ')}`,
    );
  }
  if (config.name === undefined || !NAME.test(config.name)) {
    throw cniError(
      CODE.BAD_CONFIG,
      config.name === undefined
        ? 'the configuration has no name'
        : `${JSON.stringify(config.name)} is not a name of a network`,
    );
  }
  return { config, version };
}

/** The version to answer in, as far as the text reveals it. */
export function versionIn(given: string): Version {
  try {
    const { cniVersion } = JSON.parse(given) as { readonly cniVersion?: unknown };
    return isVersion(cniVersion) ? cniVersion : NEWEST;
  } catch {
    return NEWEST;
  }
}

/** The name of dpctl's network. */
export function networkName({ network, name = '' }: CniConfig): string {
  return network ?? name;
}

/** A member that may be one text or a list. */
export function listOf(value: string | readonly string[] | undefined): readonly string[] {
  return value === undefined ? [] : typeof value === 'string' ? [value] : value;
}

function parsed(given: string): CniConfig {
  let value: unknown;
  try {
    value = JSON.parse(given);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw cniError(CODE.BAD_JSON, 'standard input is not a network configuration', why);
  }
  const { success, data, error } = configSchema.safeParse(value);
  if (success) return data;
  const [first] = error.issues;
  const where = first?.path.map(String).join('.') ?? '';
  throw cniError(CODE.BAD_CONFIG, `invalid network configuration: ${where}`, first?.message);
}
