/** Where each command of the table is carried out; loaded only when it is called. */
import type { Verb } from './verbs/verb.js';

const VERBS: Readonly<Record<string, () => Promise<{ readonly run: Verb }>>> = {
  attach: () => import('./verbs/attach.js'),
  detach: () => import('./verbs/detach.js'),
  endpoints: () => import('./verbs/endpoints.js'),
  'network add': () => import('./verbs/network-add.js'),
  'network del': () => import('./verbs/network-del.js'),
  'network list': () => import('./verbs/network-list.js'),
  'underlay set': () => import('./verbs/underlay-set.js'),
  'underlay del': () => import('./verbs/underlay-del.js'),
  'underlay show': () => import('./verbs/underlay-show.js'),
  'node add': () => import('./verbs/node-add.js'),
  'node del': () => import('./verbs/node-del.js'),
  'node list': () => import('./verbs/node-list.js'),
  dump: () => import('./verbs/dump.js'),
  status: () => import('./verbs/status.js'),
  'fdb add': () => import('./verbs/fdb-add.js'),
  'fdb del': () => import('./verbs/fdb-del.js'),
  'fdb flush': () => import('./verbs/fdb-flush.js'),
  reconcile: () => import('./verbs/reconcile.js'),
  reset: () => import('./verbs/reset.js'),
  'lab up': () => import('./verbs/lab-up.js'),
  'lab down': () => import('./verbs/lab-down.js'),
  'lab list': () => import('./verbs/lab-list.js'),
  'lab exec': () => import('./verbs/lab-exec.js'),
  bench: () => import('./verbs/bench.js'),
  completion: () => import('./verbs/completion.js'),
  version: () => import('./verbs/version.js'),
};

/** The function of a command; every command of the table but `help` has one (a test checks). */
export async function verbOf(path: string): Promise<Verb> {
  const load = VERBS[path];
  if (load === undefined) throw new Error(`the command ${path} has no verb`);
  return (await load()).run;
}
