/** Whether there is an agent to ask: without one, the check takes next to no time. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { DpctlError } from '../../loader/errors.js';
import { requireRoot } from '../linux/process.js';

/** An agent that may be running. */
export interface AgentAt {
  /** Path of its socket. */
  readonly socket: string;
  /** Root directory of its node. */
  readonly root: string;
  /** Milliseconds after which a silent agent is given up. */
  readonly timeout: number;
}

/** Milliseconds, unless DPCTL_AGENT_TIMEOUT says otherwise. */
const TIMEOUT = 10_000;

/**
 * Variables that change how a command works: the agent has its own. DPCTL_DEBUG is one too: the trace of a
 * failure is in the process in which it happened.
 */
const OWN_WAYS = [
  ...['DPCTL_TC', 'DPCTL_LOCK_TIMEOUT', 'DPCTL_FFI', 'DPCTL_LIBBPF', 'DPCTL_BPF_DIR'],
  ...['DPCTL_PROBE_DISABLE', 'DPCTL_FAULT', 'DPCTL_FAULT_ERROR', 'DPCTL_DEBUG'],
] as const;

/** Namespace names that mean the same to the agent as here: others may depend on who asks, or from where. */
const PLAIN_NAMESPACE = /^([^/]*|\/(var\/)?run\/netns\/[^/]+|\/proc\/[1-9][0-9]*\/ns\/net)$/;

/**
 * The agent to ask for an operation.
 * @param ns the namespace that the request names, if any
 * @returns undefined: do it here
 * @throws DpctlError NOT_ROOT, as the operation itself would; AGENT_TIMEOUT_INVALID, exit 1
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
  // The agent may have more rights than its caller, and must not lend them.
  requireRoot();
  return { socket, root, timeout: timeoutOf(env.DPCTL_AGENT_TIMEOUT) };
}

function isSocket(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false })?.isSocket() === true;
  } catch {
    // Whatever blocks the socket also blocks the command, which then reports it itself.
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
