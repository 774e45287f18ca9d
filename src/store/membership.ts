/**
 * The cluster that a node has joined: a file beside the durable record, so that the agent and every command
 * know it, and a password in a file of its own. Only root can read either.
 */
import { join } from 'node:path';
import * as z from 'zod/mini';
import { DpctlError } from '../../loader/errors.js';
import { run } from '../../loader/hint.js';
import { removeFile, replaceFiles } from './atomic.js';
import { readOwn } from './own-file.js';

const membershipSchema = z.object({
  version: z.literal(1),
  /** HOST:PORT of each member of etcd. */
  endpoints: z.array(z.string()),
  /** Name of this node in the cluster. */
  name: z.string(),
  /** Paths of PEM files. */
  ca: z.optional(z.string()),
  cert: z.optional(z.string()),
  key: z.optional(z.string()),
  user: z.optional(z.string()),
  /** Encrypted without a client certificate, too. */
  tls: z.boolean(),
  /** Seconds after which the entries of a lost node go. */
  grace: z.int(),
  /** Blocks of addresses that this node alone gives away, by network: prefixes. */
  ranges: z.optional(z.record(z.string(), z.array(z.string()))),
  /** etcd does not know all that has changed here, or that was claimed in vain. */
  unsettled: z.optional(z.boolean()),
});

/** How a node takes part in a cluster. Never holds a password. */
export type Membership = Omit<z.infer<typeof membershipSchema>, 'version'>;

const pathsIn = (stateDir: string) => ({
  membership: join(stateDir, 'cluster.json'),
  password: join(stateDir, 'cluster.password'),
});

/**
 * The membership of a node.
 * @returns undefined: it is in no cluster
 * @throws DpctlError STORE_CORRUPT, STORE_UNAVAILABLE, PATH_NOT_TRUSTED, exit 5
 */
export function readMembership(stateDir: string): Membership | undefined {
  const path = pathsIn(stateDir).membership;
  const text = readOwn(path);
  if (text === undefined) return undefined;
  try {
    const { version: _, ...membership } = membershipSchema.parse(JSON.parse(text));
    return membership;
  } catch (cause) {
    throw new DpctlError('STORE_CORRUPT', `${path} is damaged: it says which cluster to follow`, {
      exitCode: 5,
      hint: run`cluster leave --force`,
      details: { path },
      cause,
    });
  }
}

/** The password of a membership, if it has one. @throws as {@link readMembership} */
export function readPassword(stateDir: string): string | undefined {
  return readOwn(pathsIn(stateDir).password);
}

/**
 * Save a membership, durably.
 * @param password undefined: leave the present one
 * @throws DpctlError STORE_UNAVAILABLE, exit 5
 */
export function saveMembership(stateDir: string, membership: Membership, password?: string): void {
  const paths = pathsIn(stateDir);
  const text = `${JSON.stringify({ version: 1, ...membership }, undefined, 2)}\n`;
  replaceFiles([
    ...(password === undefined ? [] : [{ path: paths.password, text: password }]),
    { path: paths.membership, text },
  ]);
}

/** Forget the membership and its password. @throws DpctlError STORE_UNAVAILABLE, exit 5 */
export function removeMembership(stateDir: string): void {
  const { membership, password } = pathsIn(stateDir);
  removeFile(membership);
  removeFile(password);
}
