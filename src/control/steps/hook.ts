/** tc.attach and tc.detach: the program on the host end of an endpoint. */
import { attachHook, detachHook } from '../../datapath/hook.js';
import { linkGet } from '../../linux/netlink/link.js';
import type { StepOf } from '../../model/plan/plan.js';
import { hostPins, type Node } from '../node/node.js';
import type { StepActions, StepText } from './actions.js';

/** Run this build's program. */
export const tcAttach: StepActions<StepOf<'tc.attach'>> = {
  execute(node, { id, ifindex }, applied) {
    const filterFirst = node.filterFirst || applied.filterFirst === true;
    applied.hook = attachHook(hostPins(node), node.netnsFd(), id, ifindex, filterFirst);
  },
  undo(node, step) {
    // It replaced another build's program, which does the same: keep it, so that no traffic is cut off.
    if (step.was === undefined) detach(node, step);
  },
  describe,
};

/** Stop the program. */
export const tcDetach: StepActions<StepOf<'tc.detach'>> = {
  execute: detach,
  undo(node, { id, ifindex }) {
    if (ifindex === 0 || linkGet(node.rtnl(), { ifindex }) === undefined) return;
    attachHook(hostPins(node), node.netnsFd(), id, ifindex);
  },
  describe,
};

interface HookPoint {
  readonly id: number;
  readonly ifindex: number;
}

function detach(node: Node, { id, ifindex }: HookPoint): void {
  detachHook(hostPins(node), node.netnsFd(), id, ifindex);
}

function describe({ id, ifindex }: HookPoint): StepText {
  return { subject: `endpoint ${id}`, detail: ifindex === 0 ? '' : `ifindex ${ifindex}` };
}
