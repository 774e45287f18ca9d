/** The module of each command of the table, loaded when it is called. */
import type { Verb } from './verb.js';

const VERBS: Readonly<Record<string, () => Promise<{ readonly run: Verb }>>> = {
  attach: () => import('./attach.js'),
  detach: () => import('./detach.js'),
  endpoints: () => import('./endpoints.js'),
  'network add': () => import('./network-add.js'),
  'network del': () => import('./network-del.js'),
  'network list': () => import('./network-list.js'),
  'underlay set': () => import('./underlay-set.js'),
  'underlay del': () => import('./underlay-del.js'),
  'underlay show': () => import('./underlay-show.js'),
  'node add': () => import('./node-add.js'),
  'node del': () => import('./node-del.js'),
  'node list': () => import('./node-list.js'),
  'cluster join': () => import('./cluster-join.js'),
  'cluster leave': () => import('./cluster-leave.js'),
  'cluster status': () => import('./cluster-status.js'),
  dump: () => import('./dump.js'),
  status: () => import('./status.js'),
  'fdb add': () => import('./fdb-add.js'),
  'fdb del': () => import('./fdb-del.js'),
  'fdb flush': () => import('./fdb-flush.js'),
  agent: () => import('./agent.js'),
  reconcile: () => import('./reconcile.js'),
  reset: () => import('./reset.js'),
  'lab up': () => import('./lab-up.js'),
  'lab down': () => import('./lab-down.js'),
  'lab list': () => import('./lab-list.js'),
  'lab exec': () => import('./lab-exec.js'),
  bench: () => import('./bench.js'),
  completion: () => import('./completion.js'),
  version: () => import('./version.js'),
};

/** The function of a command; every command of the table except `help` has one (a test checks it). */
export async function verbOf(path: string): Promise<Verb> {
  const load = VERBS[path];
  if (load === undefined) throw new Error(`the command ${path} has no verb`);
  return (await load()).run;
}
