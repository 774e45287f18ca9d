/**
 * The overlay's programs on their devices: through links pinned under the programs' names, or, at TC on
 * kernels without tcx, through clsact filters.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { errnoOf } from '../../../loader/errors.js';
import {
  attachTcx,
  attachXdp,
  type Direction,
  detachLink,
  linkInfo,
} from '../../../loader/link/attach.js';
import { tcAttach, tcQuery } from '../../../loader/link/clsact.js';
import { queryXdp } from '../../../loader/link/query.js';
import { pin as pinLink } from '../../../loader/pin.js';
import { openProgramById } from '../../../loader/program.js';
import { closeFd } from '../../../loader/sys/files.js';
import { inNetns } from '../../../loader/sys/netns.js';
import { linkDump } from '../../linux/netlink/link.js';
import type { Rtnl } from '../../linux/netlink/socket.js';
import { isThere, namesIn } from '../../linux/path-status.js';
import { OVERLAY_PROGRAMS, type OverlayProgram } from '../../model/desired/overlay.js';
import type { ObservedOverlayProgram } from '../../model/plan/observed.js';
import { openLink, removeFilter, switchLink, usesTcx } from '../hook.js';
import {
  type DatapathPaths,
  installObject,
  isProgramPinned,
  overlayLinksDir,
  unpinProgram,
  withProgram,
} from '../install.js';
import { CLSACT, hasOwnFilter, runsForOther } from '../ownership.js';
import { removePin } from '../pins.js';

/** Where each program runs; a device has one XDP slot. */
const DIRECTION: Readonly<Record<OverlayProgram, Direction | 'xdp'>> = {
  replicate: 'egress',
  anchor: 'ingress',
  underlay: 'ingress',
  decap: 'xdp',
};

function pinPath(paths: DatapathPaths, program: OverlayProgram): string {
  return join(overlayLinksDir(paths), program);
}

/**
 * The overlay's running programs, and where they run.
 * @param candidates devices on which a program without a link may run
 */
export function overlayPrograms(
  paths: DatapathPaths,
  netnsFd: number,
  rtnl: Rtnl,
  candidates: ReadonlyMap<OverlayProgram, number>,
): Map<OverlayProgram, ObservedOverlayProgram> {
  const found = new Map<OverlayProgram, ObservedOverlayProgram>();
  for (const program of OVERLAY_PROGRAMS) {
    const at =
      linkedAt(pinPath(paths, program), DIRECTION[program]) ??
      filterAt(netnsFd, program, candidates.get(program) ?? 0) ??
      (program === 'underlay' ? lostFilter(paths, netnsFd, rtnl) : undefined);
    if (at !== undefined) found.set(program, at);
  }
  return found;
}

function linkedAt(path: string, direction: Direction | 'xdp'): ObservedOverlayProgram | undefined {
  const fd = openLink(path);
  if (fd === undefined) return undefined;
  try {
    const { ifindex, progId } = linkInfo(fd);
    return { hook: direction === 'xdp' ? 'xdp' : 'tcx', ifindex, programId: progId };
  } finally {
    closeFd(fd);
  }
}

function filterAt(
  netnsFd: number,
  program: OverlayProgram,
  ifindex: number,
): ObservedOverlayProgram | undefined {
  const direction = DIRECTION[program];
  if (ifindex === 0 || direction === 'xdp') return undefined;
  const programId = inNetns(netnsFd, () => tcQuery(ifindex, direction, CLSACT));
  return programId === undefined ? undefined : { hook: 'clsact', ifindex, programId };
}

/**
 * The filter that a killed command left on a device that is no longer recorded. The program stays pinned
 * until its filter is gone, so without a pinned program no device has to be asked.
 */
function lostFilter(
  paths: DatapathPaths,
  netnsFd: number,
  rtnl: Rtnl,
): ObservedOverlayProgram | undefined {
  if (!isProgramPinned(paths, 'underlay')) return undefined;
  const place = { name: 'underlay', direction: 'ingress' } as const;
  const found = linkDump(rtnl, { statistics: false }).find(({ ifindex }) =>
    hasOwnFilter(paths, netnsFd, { ...place, ifindex }),
  );
  return found && filterAt(netnsFd, 'underlay', found.ifindex);
}

/**
 * Run this build's program on a device. A running one is switched over without letting any packet bypass it.
 * @throws DpctlError KERNEL_EBUSY (another XDP program is attached), KERNEL_EOPNOTSUPP or KERNEL_EINVAL (the
 *   driver cannot), KERNEL_ENODEV
 */
export function attachOverlay(
  paths: DatapathPaths,
  netnsFd: number,
  program: OverlayProgram,
  ifindex: number,
): void {
  installObject(paths, program);
  try {
    attachInstalled(paths, netnsFd, program, ifindex);
  } catch (error) {
    if (!isThere(pinPath(paths, program))) forgetProgram(paths, program);
    throw error;
  }
}

function attachInstalled(
  paths: DatapathPaths,
  netnsFd: number,
  program: OverlayProgram,
  ifindex: number,
): void {
  const direction = DIRECTION[program];
  withProgram(paths, program, (programFd) =>
    inNetns(netnsFd, () => {
      if (direction !== 'xdp' && !usesTcx()) {
        tcAttach(programFd, ifindex, direction, CLSACT);
        return;
      }
      const path = pinPath(paths, program);
      if (!switchLink(path, programFd, ifindex)) {
        const link =
          direction === 'xdp'
            ? attachXdp(programFd, ifindex)
            : attachTcx(programFd, ifindex, direction);
        try {
          mkdirSync(overlayLinksDir(paths), { recursive: true, mode: 0o700 });
          pinLink(link, path);
        } finally {
          closeFd(link);
        }
      }
      if (direction !== 'xdp') removeFilter(ifindex, direction);
    }),
  );
}

/** Take a program off its device; 0: its device is gone. Does nothing if it is not attached. */
export function detachOverlay(
  paths: DatapathPaths,
  netnsFd: number,
  program: OverlayProgram,
  ifindex: number,
): void {
  const path = pinPath(paths, program);
  const fd = openLink(path);
  try {
    if (fd !== undefined) detachLink(fd);
  } finally {
    if (fd !== undefined) closeFd(fd);
  }
  const direction = DIRECTION[program];
  if (ifindex !== 0 && direction !== 'xdp') detachFilter(netnsFd, ifindex, direction);
  removePin(path);
  forgetProgram(paths, program);
}

function detachFilter(netnsFd: number, ifindex: number, direction: Direction): void {
  try {
    inNetns(netnsFd, () => removeFilter(ifindex, direction));
  } catch (error) {
    if (!['ENOENT', 'EINVAL', 'ENODEV'].includes(errnoOf(error) ?? '')) throw error;
  }
}

/** A program that runs nowhere need not stay loaded: it is loaded again when needed. */
function forgetProgram(paths: DatapathPaths, program: OverlayProgram): void {
  unpinProgram(paths, program);
  const dir = overlayLinksDir(paths);
  if (namesIn(dir).length === 0) removePin(dir);
}

/** Name of another owner's XDP program on a device; undefined when there is none. */
export function foreignXdp(
  paths: DatapathPaths,
  netnsFd: number,
  ifindex: number,
): string | undefined {
  const id = inNetns(netnsFd, () => queryXdp(ifindex));
  const own = linkedAt(pinPath(paths, 'decap'), 'xdp');
  if (id === 0 || own?.programId === id) return undefined;
  const program = openProgramById(id);
  if (program === undefined) return undefined;
  closeFd(program.fd);
  return program.name || `program ${id}`;
}

/**
 * Whether a device runs a program of the overlay for an owner whose pins are elsewhere: another root.
 * @param recorded the record says that the device is this root's: a filter is then ours, even if the pins
 *   that would prove it were lost
 */
export function runsOtherOverlay(
  paths: DatapathPaths,
  netnsFd: number,
  at: { readonly name: 'underlay' | 'replicate'; readonly ifindex: number },
  recorded: boolean,
): boolean {
  const direction = at.name === 'underlay' ? 'ingress' : 'egress';
  const place = { ...at, direction, linksOnly: recorded } as const;
  return runsForOther(paths, netnsFd, place, () => new Set([linkId(pinPath(paths, at.name))]));
}

/** Id of a pinned link; 0 if there is none. */
function linkId(path: string): number {
  const fd = openLink(path);
  if (fd === undefined) return 0;
  try {
    return linkInfo(fd).id;
  } finally {
    closeFd(fd);
  }
}
