/**
 * Steps of the overlay's own devices and programs. This node can send before it receives: the program that
 * takes VXLAN from others is attached last and detached first.
 */

import { isGateway, type Port } from '../desired/desired.js';
import {
  OVERLAY_PROGRAMS,
  type OverlayDevice,
  type OverlayDeviceKind,
  type OverlayProgram,
  underlayEntry,
  wantedDevices,
  wantedPrograms,
} from '../desired/overlay.js';
import type { State } from '../state/state.js';
import { putSteps } from './entries.js';
import type { Observed, ObservedOverlay, ObservedOverlayDevice, ObservedPort } from './observed.js';
import { nodeInScope, type Scope } from './scope.js';
import type { Step } from './step.js';

/** Devices and programs that are not wanted, or not in this form. */
export function devicesLeave(after: State, observed: Observed): Step[] {
  const { overlay } = observed;
  if (overlay === undefined) return [];
  const programs = wantedPrograms(after);
  const wanted = wantedDevices(after);
  const steps: Step[] = isAnchorLeaving(after, overlay) ? entrySteps(after, observed) : [];
  for (const program of [...OVERLAY_PROGRAMS].reverse()) {
    const found = overlay.programs.get(program);
    if (found === undefined) continue;
    const { ifindex } = found;
    const stays = programs.get(program) === ifindex && !isBroken(program, wanted, overlay);
    if (!stays) steps.push({ op: 'overlay.detach', program, ifindex });
  }
  for (const [kind, found] of overlay.devices) {
    const device = wanted.find((each) => each.kind === kind);
    if (device !== undefined && isAsWanted(device, found)) continue;
    const { name, ifindex, mac, port, alias } = found;
    steps.push({ op: 'overlay.delete', device: { kind, name, ifindex, mac, port, alias } });
  }
  return steps;
}

/** The anchor must not receive packets any more when it is deleted. */
function isAnchorLeaving(
  { resolvedUnderlay: resolved }: State,
  { devices }: ObservedOverlay,
): boolean {
  return resolved !== undefined && resolved.anchor === undefined && devices.has('anchor');
}

function entrySteps(after: State, observed: Observed): Step[] {
  return underlayEntry(after).flatMap((entry) => putSteps(entry, observed));
}

/** Programs that run on the overlay's own devices. */
const OWN_DEVICE: Partial<Record<OverlayProgram, OverlayDeviceKind>> = {
  replicate: 'replicator',
  anchor: 'anchor',
};

/** Whether the device of a program must be made again. */
function isBroken(
  program: OverlayProgram,
  wanted: readonly OverlayDevice[],
  overlay: ObservedOverlay,
): boolean {
  const own = OWN_DEVICE[program];
  if (own === undefined) return false;
  const device = wanted.find(({ kind }) => kind === own);
  const found = overlay.devices.get(own);
  return device === undefined || found === undefined || !isAsWanted(device, found);
}

function isAsWanted(device: OverlayDevice, found: ObservedOverlayDevice): boolean {
  return (
    found.name === device.name &&
    found.ifindex === device.ifindex &&
    found.mac === device.mac &&
    found.up &&
    (device.kind === 'replicator' || (found.port === device.port && !found.merges))
  );
}

/** Devices and programs that are wanted and missing. */
export function devicesArrive(after: State, observed: Observed): Step[] {
  const { overlay } = observed;
  if (overlay === undefined) return [];
  const devices = wantedDevices(after).flatMap((device): Step[] => {
    const found = overlay.devices.get(device.kind);
    if (found !== undefined && isAsWanted(device, found)) return [];
    return [{ op: 'overlay.create', device }];
  });
  const entries = isAnchorLeaving(after, overlay) ? [] : entrySteps(after, observed);
  const broken = (program: OverlayProgram) => isBroken(program, wantedDevices(after), overlay);
  const programs = [...wantedPrograms(after)].flatMap(([program, ifindex]): Step[] => {
    const found = overlay.programs.get(program);
    const there = found?.ifindex === ifindex && !broken(program);
    if (there && found.programId === overlay.programIds.get(program)) return [];
    return [{ op: 'overlay.attach', program, ifindex, replaces: there }];
  });
  return [...devices, ...entries, ...programs];
}

/**
 * Other nodes still send to the former node of an endpoint that has moved here, so it announces its new
 * place. An endpoint that was here before is known to be here.
 */
export function announceSteps(
  after: State,
  { endpoint }: Port,
  found: ObservedPort | undefined,
): Step[] {
  const isNew = found?.hook === undefined && found?.namespace !== 'unreachable';
  // A gateway may have the same address on every node.
  const silent =
    isGateway(endpoint) || after.resolvedUnderlay === undefined || after.nodes.length === 0;
  if (!isNew || silent) return [];
  return [{ op: 'endpoint.announce', endpoint }];
}

/** Forget MACs learned behind nodes that leave. By then nothing is received from them any more. */
export function nodesLeave(before: State, after: State, scope: Scope): Step[] {
  const staying = new Set(after.nodes.map(({ number }) => number));
  return before.nodes
    .filter(({ number }) => nodeInScope(scope, number) && !staying.has(number))
    .map(({ number }) => ({ op: 'node.forget', number }));
}
