/** overlay.create, .delete, .attach and .detach: the overlay's own devices and programs. */
import { DpctlError, errnoOf } from '../../../loader/errors.js';
import {
  createOverlayDevice,
  deleteOverlayDevice,
  openAnchor,
} from '../../datapath/underlay/device.js';
import { attachOverlay, detachOverlay } from '../../datapath/underlay/hook.js';
import { linkGet } from '../../linux/netlink/link.js';
import type { OverlayDevice, OverlayProgram } from '../../model/desired/overlay.js';
import { decapRefused } from '../../model/overlay/decap.js';
import type { StepOf } from '../../model/plan/plan.js';
import { hostPins, type Node } from '../node/node.js';
import type { StepActions, StepText } from './actions.js';

/** Make a device of the overlay. @throws DpctlError DECAP_REFUSED */
export const overlayCreate: StepActions<StepOf<'overlay.create'>> = {
  execute: (node, { device }) =>
    refusable(device.kind === 'anchor' ? 'tc-gro' : undefined, () => createDevice(node, device)),
  undo: (node, { device }) => deleteOverlayDevice(node.rtnl(), device),
  describe: deviceText,
};

/** Delete a device of the overlay. */
export const overlayDelete: StepActions<StepOf<'overlay.delete'>> = {
  execute: (node, { device }) => deleteOverlayDevice(node.rtnl(), device),
  undo: (node, { device }) => createDevice(node, device),
  describe: deviceText,
};

/** Run a program of this build. @throws DpctlError DECAP_REFUSED if a decap mode fails */
export const overlayAttach: StepActions<StepOf<'overlay.attach'>> = {
  execute: (node, { program, ifindex }) =>
    refusable(DECAP_MODE_OF[program], () => attach(node, program, ifindex)),
  undo(node, { program, ifindex, replaces }) {
    // It replaced another build's program, which does the same: keep it, so that no traffic is cut off.
    if (!replaces) detach(node, program, ifindex);
  },
  describe: programText,
};

/** Stop a program. */
export const overlayDetach: StepActions<StepOf<'overlay.detach'>> = {
  execute: (node, { program, ifindex }) => detach(node, program, ifindex),
  undo(node, { program, ifindex }) {
    if (ifindex === 0 || linkGet(node.rtnl(), { ifindex }) === undefined) return;
    attach(node, program, ifindex);
  },
  describe: programText,
};

function deviceText({ device }: { readonly device: OverlayDevice }): StepText {
  const { kind, name, port } = device;
  return { subject: name, detail: kind === 'anchor' ? `${kind} port ${port}` : kind };
}

function programText({ program, ifindex }: StepOf<'overlay.attach' | 'overlay.detach'>): StepText {
  return { subject: program, detail: ifindex === 0 ? '' : `ifindex ${ifindex}` };
}

function createDevice(node: Node, device: OverlayDevice): void {
  createOverlayDevice(node.rtnl(), node.netnsFd(), device);
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

/** Decap modes that need a program. */
const DECAP_MODE_OF: Partial<Record<OverlayProgram, 'tc-gro' | 'xdp'>> = {
  anchor: 'tc-gro',
  decap: 'xdp',
};

/** Errors that never come from a driver. Drivers do return ENOMEM and ENOSPC if they lack queues. */
const OWN_FAULTS: ReadonlySet<string> = new Set(['EMFILE', 'ENFILE', 'EINTR', 'EPERM', 'EACCES']);

/** Another decap mode may work without what the kernel refuses here. */
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
