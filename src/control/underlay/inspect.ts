/** What is observed of the overlay's own programs and devices. */
import { installedProgramId } from '../../datapath/install.js';
import { overlayDevices } from '../../datapath/underlay/device.js';
import { overlayPrograms, runsOtherOverlay } from '../../datapath/underlay/hook.js';
import { OVERLAY_PROGRAMS, type OverlayProgram } from '../../model/desired/overlay.js';
import type { ObservedOverlay } from '../../model/plan/observed.js';
import type { State } from '../../model/state/state.js';
import { hostPins, type Node } from '../node/node.js';

/**
 * Look at the overlay's programs and devices. Those of other roots are left out.
 * @param loaded report which programs of this build are loaded; not needed for a reset, when the build may be
 *   gone
 */
export function inspectOverlay(node: Node, before: State, loaded = true): ObservedOverlay {
  const pins = hostPins(node);
  const netns = node.netnsFd();
  const devices = overlayDevices(node.rtnl(), netns, before.rootId);
  const replicator = devices.get('replicator')?.ifindex;
  if (replicator !== undefined) {
    const recorded = before.resolvedUnderlay?.replicator === replicator;
    const place = { name: 'replicate', ifindex: replicator } as const;
    if (runsOtherOverlay(pins, netns, place, recorded)) devices.clear();
  }
  const candidates = new Map<OverlayProgram, number>([
    ['replicate', devices.get('replicator')?.ifindex ?? 0],
    ['anchor', devices.get('anchor')?.ifindex ?? 0],
    ['underlay', before.resolvedUnderlay?.ifindex ?? 0],
  ]);
  const programIds = new Map<OverlayProgram, number>();
  for (const program of loaded ? OVERLAY_PROGRAMS : []) {
    const id = installedProgramId(pins, program);
    if (id !== 0) programIds.set(program, id);
  }
  return { devices, programs: overlayPrograms(pins, netns, node.rtnl(), candidates), programIds };
}
