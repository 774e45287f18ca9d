/** How the overlay's steps of a plan are carried out, and how they are undone. */
import { DpctlError, errnoOf } from '../../../loader/errors.js';
import { forgetLearned } from '../../datapath/fdb-control.js';
import { putRaw } from '../../datapath/tables.js';
import {
  createOverlayDevice,
  deleteOverlayDevice,
  openAnchor,
} from '../../datapath/underlay/device.js';
import { attachOverlay, detachOverlay } from '../../datapath/underlay/hook.js';
import { linkGet } from '../../linux/netlink/link.js';
import type { OverlayProgram } from '../../model/desired/overlay.js';
import { tableEntry, tableKey } from '../../model/desired/table-entry.js';
import { decapRefused } from '../../model/overlay/decap.js';
import type { Step } from '../../model/plan/plan.js';
import { datapathOf, hostPins, type Node } from '../node/node.js';

/** Steps that are carried out here. */
export type OverlayStep = Extract<Step, { readonly op: `overlay.${string}` | 'node.forget' }>;

/** Carry out one step. @throws DpctlError DECAP_REFUSED where a way of decapsulating VXLAN fails */
export function executeOverlay(node: Node, step: OverlayStep): void {
  switch (step.op) {
    case 'overlay.create':
      refusable(step.device.kind === 'anchor' ? 'tc-gro' : undefined, () =>
        createOverlayDevice(node.rtnl(), node.netnsFd(), step.device),
      );
      return;
    case 'overlay.delete':
      deleteOverlayDevice(node.rtnl(), step.device);
      return;
    case 'overlay.attach':
      refusable(WAY_OF[step.program], () => attach(node, step.program, step.ifindex));
      return;
    case 'overlay.detach':
      detach(node, step.program, step.ifindex);
      return;
    case 'node.forget':
      forgetLearned(datapathOf(node), (entry) => entry.node === step.number);
      clearCounters(node, step.number);
      return;
  }
}

/** Undo one step that was carried out. What was learned or counted comes again by itself. */
export function undoOverlay(node: Node, step: OverlayStep): void {
  switch (step.op) {
    case 'overlay.create':
      deleteOverlayDevice(node.rtnl(), step.device);
      return;
    case 'overlay.delete':
      createOverlayDevice(node.rtnl(), node.netnsFd(), step.device);
      return;
    case 'overlay.attach':
      // Switched over from another build: this one's program does the same, and nothing is cut off.
      if (!step.replaces) detach(node, step.program, step.ifindex);
      return;
    case 'overlay.detach':
      if (step.ifindex === 0 || linkGet(node.rtnl(), { ifindex: step.ifindex }) === undefined)
        return;
      attach(node, step.program, step.ifindex);
      return;
    case 'node.forget':
      return;
  }
}

function attach(node: Node, program: OverlayProgram, ifindex: number): void {
  attachOverlay(hostPins(node), node.netnsFd(), program, ifindex);
  if (program !== 'anchor') return;
  try {
    openAnchor(node.rtnl(), ifindex, true);
  } catch (error) {
    detachOverlay(hostPins(node), node.netnsFd(), program, ifindex);
    throw error;
  }
}

function detach(node: Node, program: OverlayProgram, ifindex: number): void {
  if (program === 'anchor') openAnchor(node.rtnl(), ifindex, false);
  detachOverlay(hostPins(node), node.netnsFd(), program, ifindex);
}

/** Ways of decapsulating VXLAN that need a program. */
const WAY_OF: Partial<Record<OverlayProgram, 'tc-gro' | 'xdp'>> = {
  anchor: 'tc-gro',
  decap: 'xdp',
};

/** These are never a driver's word: drivers do say ENOMEM and ENOSPC where they lack queues. */
const OWN_FAULTS: ReadonlySet<string> = new Set(['EMFILE', 'ENFILE', 'EINTR', 'EPERM', 'EACCES']);

/** What the kernel refuses of a way, another way may do without. */
function refusable(decap: 'tc-gro' | 'xdp' | undefined, action: () => void): void {
  try {
    action();
  } catch (error) {
    const isRefusal =
      error instanceof DpctlError &&
      error.code.startsWith('KERNEL_') &&
      !OWN_FAULTS.has(errnoOf(error) ?? '');
    if (decap === undefined || !isRefusal) throw error;
    throw decapRefused(decap, error.message, error);
  }
}

function clearCounters(node: Node, number: number): void {
  const stats = node.tables().map('nodestat');
  const value = new Uint8Array(stats.bufferSize);
  putRaw(node.tables(), { table: 'nodestat', key: tableKey('nodestat', number), value });
  putRaw(node.tables(), tableEntry('nodelearn', number, { count: 0 }));
}
