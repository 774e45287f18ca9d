/** What verbs share: how they get their values and what they return. */

import type { Hint } from '../../../loader/hint.js';
import type { ChangeResult } from '../../api/change.js';
import type { OperationName, RequestOf, ResultOf } from '../../api/operations.js';
import { agentFor } from '../../client/find-agent.js';
import type { Node } from '../../control/node/node.js';
import type { ArgValues, Command, FlagValues } from '../command-spec.js';
import type { Call } from '../parse.js';
import { type Data, listOf } from '../render/render.js';
import { PLAN } from '../schemas/control.js';

/** The result of a verb, to be printed. */
export interface Outcome {
  readonly data?: Data;
  /** Print the data only with -o or -j: a change is reported by its message. */
  readonly dataIfAsked?: boolean;
  /** What changed, printed on stderr if the data is not printed. */
  readonly done?: readonly string[];
  /** Notes that the user must see in any case, on stderr. */
  readonly notes?: readonly Hint[];
  /** 0 by default. */
  readonly exitCode?: number;
}

/** A verb: parse, call one function, return what to print. */
export type Verb = (call: Call) => Promise<Outcome>;

/** The call's values, typed by its command in the table. */
export function valuesOf<C extends Command>(
  _command: C,
  call: Call,
): { readonly args: ArgValues<C['args']>; readonly options: FlagValues<C['flags']> } {
  return {
    args: call.args as ArgValues<C['args']>,
    options: call.options as FlagValues<C['flags']>,
  };
}

/**
 * The node of --root. It stays open until the process ends: rows are read while they are printed.
 * @throws DpctlError NODE_NETNS_CHANGED, exit 3
 */
export async function openNodeOf(call: Call): Promise<Node> {
  const node = await openAnyNodeOf(call);
  const { refuseLostNamespace } = await import('../../control/node/namespace.js');
  refuseLostNamespace(node);
  return node;
}

/** As {@link openNodeOf}, but also if the node's namespace is no longer the one that users mean. */
export async function openAnyNodeOf({ globals }: Call): Promise<Node> {
  const { openNode } = await import('../../control/node/node.js');
  return openNode(globals.root === undefined ? {} : { root: globals.root });
}

/**
 * Carry out an operation on the node of --root: by its agent if a suitable one runs, otherwise here. The
 * result is the same either way.
 * @throws what the operation throws; DpctlError AGENT_HUNG, AGENT_GONE, exit 5
 */
export async function ask<Name extends OperationName>(
  call: Call,
  name: Name,
  request: RequestOf<Name>,
): Promise<ResultOf<Name>> {
  const { root = '/', direct = false } = call.globals;
  const ns = 'ns' in request ? request.ns : undefined;
  const agent = direct ? undefined : agentFor(root, process.env, ns);
  if (agent !== undefined) {
    const { askAgent } = await import('../../client/agent-request.js');
    const answer = await askAgent(agent, name, request);
    if (answer !== undefined) return answer.result;
  }
  const { perform } = await import('../../agent/operations.js');
  return perform(await openAnyNodeOf(call), name, request);
}

/** The outcome of --dry-run. */
export function planOutcome({ plan, notes }: Pick<ChangeResult, 'plan' | 'notes'>): Outcome {
  return { data: listOf(PLAN, plan), notes };
}

/** `41 ms`. */
export function took(milliseconds: number): string {
  return `${Math.round(milliseconds)} ms`;
}

/** Milliseconds for JSON, without insignificant digits. */
export function rounded(milliseconds: number): number {
  return Math.round(milliseconds * 10) / 10;
}

/** Words joined by single spaces, without empty ones. */
export function words(...parts: readonly (string | undefined)[]): string {
  return parts.filter((part) => part !== undefined && part !== '').join(' ');
}
