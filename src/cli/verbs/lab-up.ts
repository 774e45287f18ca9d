import { LAB_UP } from '../commands/lab.js';
import type { Call } from '../parse.js';
import { listOf } from '../render/render.js';
import { LAB } from '../schemas/overlay.js';
import { count } from './reconcile.js';
import { type Outcome, took, valuesOf } from './verb.js';

/** dpctl lab up. */
export async function run(call: Call): Promise<Outcome> {
  const { options } = valuesOf(LAB_UP, call);
  const { labUp } = await import('../../lab/lab.js');
  const { spec, rows, changed, milliseconds } = await labUp(call.globals.root, {
    ...options,
    name: options.name ?? 'lab',
  });
  const { name, nodes, vnis, underlay, mtu } = spec;
  const endpoints = rows.filter(({ kind }) => kind === 'endpoint').length;
  return {
    data: listOf(LAB, rows),
    dataIfAsked: true,
    done: [
      `lab ${name} ${changed ? 'is up' : 'unchanged'}: ${count(nodes, 'node')}, ${count(endpoints, 'endpoint')}, ${count(vnis, 'network')}, underlay ${underlay} mtu ${mtu} (${took(milliseconds)})`,
    ],
  };
}
