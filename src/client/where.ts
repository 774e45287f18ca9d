/** Whether there is an agent that may be asked: without one, this takes no time worth mentioning. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { DpctlError } from '../../loader/errors.js';
import { requireRoot } from '../linux/process.js';

/** An agent that may be there. */
export interface AgentAt {
  /** Path of its socket. */
  readonly socket: string;
  /** Root directory of its node. */
  readonly root: string;
  /** Milliseconds after which one that shows no life is given up. */
  readonly timeout: number;
}

/** Milliseconds, unless DPCTL_AGENT_TIMEOUT says otherwise. */
const TIMEOUT = 10_000;

/**
 * Variables that change how a command does what it does: the agent has its own. DPCTL_DEBUG is of the same
 * kind: the trace of a failure is in the process that it happened in.
 */
const OWN_WAYS = [
  ...['DPCTL_TC', 'DPCTL_LOCK_TIMEOUT', 'DPCTL_FFI', 'DPCTL_LIBBPF', 'DPCTL_BPF_DIR'],
  ...['DPCTL_PROBE_DISABLE', 'DPCTL_FAULT', 'DPCTL_FAULT_ERROR', 'DPCTL_DEBUG'],
] as const;

/** Names of namespaces that mean to the agent what they mean here: others may depend on who asks, or where. */
const PLAIN_NAMESPACE = /^([^/]*|\/(var\/)?run\/netns\/[^/]+|\/proc\/[1-9][0-9]*\/ns\/net)$/;

/**
 * The agent that may be asked for an operation.
 * @param ns the namespace that the request names, if it does
 * @returns undefined: do it here
 * @throws DpctlError NOT_ROOT, as what is done here would; AGENT_TIMEOUT_INVALID, exit 1
 */
export function agentFor(
  root: string,
  env: Readonly<Record<string, string | undefined>>,
  ns: string | undefined,
): AgentAt | undefined {
  const socket = join(root, 'run/dpctl/agent.sock');
  if (!isSocket(socket)) return undefined;
  if (OWN_WAYS.some((name) => (env[name] ?? '') !== '')) return undefined;
  if (ns !== undefined && !PLAIN_NAMESPACE.test(ns)) return undefined;
  // The agent may do more than the one who asks it: its rights are not lent.
  requireRoot();
  return { socket, root, timeout: timeoutOf(env.DPCTL_AGENT_TIMEOUT) };
}

function isSocket(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false })?.isSocket() === true;
  } catch {
    // What is in the way of the socket is in the way of the command: it says so in its own words.
    return false;
  }
}

function timeoutOf(text: string | undefined): number {
  if (text === undefined || text === '') return TIMEOUT;
  if (/^[1-9][0-9]{0,8}$/.test(text)) return Number(text);
  throw new DpctlError(
    'AGENT_TIMEOUT_INVALID',
    `DPCTL_AGENT_TIMEOUT is ${JSON.stringify(text)}, not a number of milliseconds`,
    { exitCode: 1, hint: `DPCTL_AGENT_TIMEOUT=${TIMEOUT}`, details: { value: text } },
  );
}
