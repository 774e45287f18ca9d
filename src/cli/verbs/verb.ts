/** What verbs have in common: how they get their values and what they hand back. */

import type { Hint } from '../../../loader/hint.js';
import type { ChangeResult } from '../../api/change.js';
import type { OperationName, RequestOf, ResultOf } from '../../api/operations.js';
import { agentFor } from '../../client/where.js';
import type { Node } from '../../control/node/node.js';
import type { ArgValues, Command, FlagValues } from '../command-spec.js';
import type { Call } from '../parse.js';
import { type Data, listOf } from '../render/render.js';
import { PLAN } from '../schemas/control.js';

/** What a verb hands back to be shown. */
export interface Outcome {
  readonly data?: Data;
  /** The data is shown only where -o or -j asks for it: a change is told by its message. */
  readonly dataIfAsked?: boolean;
  /** What changed, shown on stderr where the data is not. */
  readonly done?: readonly string[];
  /** What the user must see in any case, on stderr. */
  readonly notes?: readonly Hint[];
  /** 0 when left out. */
  readonly exitCode?: number;
}

/** A verb: parse, call one function, hand back what to show. */
export type Verb = (call: Call) => Promise<Outcome>;

/** The call's values under the types of its command in the table. */
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
 * The node that --root means. It is open until the process ends: rows are read while they print.
 * @throws DpctlError NODE_NETNS_CHANGED, exit 3
 */
export async function nodeOf(call: Call): Promise<Node> {
  const node = await anyNodeOf(call);
  const { refuseLostNamespace } = await import('../../control/node/namespace.js');
  refuseLostNamespace(node);
  return node;
}

/** As {@link nodeOf}, also where its namespace is not the one that people mean any more. */
export async function anyNodeOf({ globals }: Call): Promise<Node> {
  const { openNode } = await import('../../control/node/node.js');
  return openNode(globals.root === undefined ? {} : { root: globals.root });
}

/**
 * Have an operation carried out on the node that --root means: by its agent where one is up that can, else
 * here. Which of the two it was cannot be told from what comes back.
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
    const { askAgent } = await import('../../client/ask.js');
    const answer = await askAgent(agent, name, request);
    if (answer !== undefined) return answer.result;
  }
  const { perform } = await import('../../agent/operations.js');
  return perform(await anyNodeOf(call), name, request);
}

/** What --dry-run shows. */
export function planOutcome({ plan, notes }: Pick<ChangeResult, 'plan' | 'notes'>): Outcome {
  return { data: listOf(PLAN, plan), notes };
}

/** `41 ms`. */
export function took(milliseconds: number): string {
  return `${Math.round(milliseconds)} ms`;
}

/** Milliseconds for JSON: more digits would be noise. */
export function rounded(milliseconds: number): number {
  return Math.round(milliseconds * 10) / 10;
}

/** Words with single spaces between, the empty ones left out. */
export function words(...parts: readonly (string | undefined)[]): string {
  return parts.filter((part) => part !== undefined && part !== '').join(' ');
}
