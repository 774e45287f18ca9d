/** Every kind of step, with the module that carries it out, undoes and describes it. */
import type { PlanRow } from '../../api/change.js';
import type { Step, StepOf } from '../../model/plan/plan.js';
import type { Node } from '../node/node.js';
import type { Applied, StepActions } from './actions.js';
import { addressAdd, addressDelete } from './addresses.js';
import { endpointAnnounce } from './announce.js';
import { hostSet, innerSet, loopbackDown, loopbackUp } from './device-settings.js';
import { fdbForget, nodeForget } from './fdb.js';
import { tcAttach, tcDetach } from './hook.js';
import { netnsCreate, netnsDelete } from './netns.js';
import { nftApply } from './nft.js';
import { overlayAttach, overlayCreate, overlayDelete, overlayDetach } from './overlay.js';
import { pairCreate, pairDelete, pairsDelete } from './pair.js';
import { routeAdd, routeDelete } from './routes.js';
import { sysctlSet } from './sysctl.js';
import { statsClear, tableDelete, tablePut } from './tables.js';

const STEPS: { readonly [Op in Step['op']]: StepActions<StepOf<Op>> } = {
  'netns.create': netnsCreate,
  'netns.delete': netnsDelete,
  'pair.create': pairCreate,
  'pair.delete': pairDelete,
  'pairs.delete': pairsDelete,
  'host.set': hostSet,
  'inner.set': innerSet,
  'loopback.up': loopbackUp,
  'loopback.down': loopbackDown,
  'address.add': addressAdd,
  'address.delete': addressDelete,
  'route.add': routeAdd,
  'route.delete': routeDelete,
  'tc.attach': tcAttach,
  'tc.detach': tcDetach,
  'table.put': tablePut,
  'table.delete': tableDelete,
  'endpoint.announce': endpointAnnounce,
  'stats.clear': statsClear,
  'fdb.forget': fdbForget,
  'node.forget': nodeForget,
  'overlay.create': overlayCreate,
  'overlay.delete': overlayDelete,
  'overlay.attach': overlayAttach,
  'overlay.detach': overlayDetach,
  'sysctl.set': sysctlSet,
  'nft.apply': nftApply,
};

/** The type of the table guarantees that the actions of an op take the steps of that op. */
function actionsOf({ op }: Step): StepActions<Step> {
  return STEPS[op];
}

/** Carry out one step. */
export async function execute(node: Node, step: Step, applied: Applied): Promise<void> {
  await actionsOf(step).execute(node, step, applied);
}

/** Undo a step that was carried out. */
export async function undo(node: Node, step: Step): Promise<void> {
  await actionsOf(step).undo(node, step);
}

/** One line for one step. */
export function describeStep(step: Step): PlanRow {
  return { step: step.op, detail: '', ...actionsOf(step).describe(step) };
}

/** Whether a reset skips the step: tables and firewall rules go as a whole. */
export function isOmittedByReset(step: Step): boolean {
  return actionsOf(step).omittedByReset === true;
}
