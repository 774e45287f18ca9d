/** The endpoint program on devices: tcx links if the kernel has them, clsact filters otherwise. */
import { join } from 'node:path';
import { DpctlError, errnoOf } from '../../loader/errors.js';
import {
  attachTcx,
  type Direction,
  detachLink,
  linkInfo,
  updateLink,
} from '../../loader/link/attach.js';
import { tcAttach, tcDetach, tcFilters, tcQuery } from '../../loader/link/clsact.js';
import { queryTcx } from '../../loader/link/query.js';
import { pin as pinLink } from '../../loader/pin.js';
import { disabledFeatures, hasFeature } from '../../loader/probe.js';
import { programInfo } from '../../loader/program.js';
import { closeFd } from '../../loader/sys/files.js';
import { inNetns } from '../../loader/sys/netns.js';
import type { ObservedHook } from '../model/plan/observed.js';
import { type DatapathPaths, withProgram } from './install.js';
import { CLSACT, hasOwnFilter } from './ownership.js';
import { isLinkPinned, linkNumbers, openLink, ownLinks, pinnedLinkIds } from './pinned-links.js';
import { removePin } from './pins.js';

export { isLinkPinned, linkNumbers, openLink, pinnedLinkIds };

/** Whether endpoints get tcx links here; DPCTL_TC=clsact selects the older way. */
export function usesTcx(): boolean {
  return !wantsClsact() && hasFeature('tcx');
}

/** @throws DpctlError TC_UNKNOWN, exit 1 */
function wantsClsact(): boolean {
  const mode = process.env.DPCTL_TC ?? '';
  if (mode === 'clsact') return true;
  if (mode === '' || mode === 'auto') return false;
  throw new DpctlError('TC_UNKNOWN', `DPCTL_TC=${mode} is not an attach mode`, {
    exitCode: 1,
    hint: 'set DPCTL_TC to clsact, or unset it: auto uses tcx if the kernel has it',
    details: { mode, known: ['auto', 'clsact'] },
  });
}

/**
 * Check the variables that say how programs are attached, before anything depends on them.
 * @throws DpctlError TC_UNKNOWN or PROBE_UNKNOWN, exit 1
 */
export function checkHookSettings(): void {
  wantsClsact();
  disabledFeatures();
}

/**
 * What runs on the host end of an endpoint.
 * @param netnsFd the namespace of the device
 * @param id number of the endpoint, which names its pin
 */
export function hookOf(
  paths: DatapathPaths,
  netnsFd: number,
  id: number,
  ifindex: number,
): ObservedHook | undefined {
  const fd = openLink(join(paths.linksDir, String(id)));
  if (fd !== undefined) {
    try {
      const info = linkInfo(fd);
      // A link whose device was deleted has ifindex 0.
      if (info.ifindex === ifindex) {
        const filter = inNetns(netnsFd, () => tcQuery(ifindex, 'ingress', CLSACT));
        const both = filter === undefined ? {} : { both: true as const };
        return { hook: 'tcx', programId: info.progId, ...both };
      }
    } finally {
      closeFd(fd);
    }
  }
  const programId = inNetns(netnsFd, () => tcQuery(ifindex, 'ingress', CLSACT));
  return programId === undefined ? undefined : { hook: 'clsact', programId };
}

/**
 * Whether a device runs the endpoint program through a link pinned here, or through a filter that uses the
 * tables pinned here.
 * @param id number of the endpoint under which the link is pinned; undefined: any
 */
export function runsOwn(
  paths: DatapathPaths,
  netnsFd: number,
  id: number | undefined,
  ifindex: number,
): boolean {
  if (hasFeature('tcx')) {
    // The number alone is not enough: another device may have it by now, even in another namespace.
    const links = inNetns(netnsFd, () => queryTcx(ifindex, 'ingress')).map(({ linkId }) => linkId);
    if (links.length > 0 && ownLinks(paths, id).some((link) => links.includes(link))) return true;
  }
  return hasOwnFilter(paths, netnsFd, { name: 'endpoint', ifindex, direction: 'ingress' });
}

/**
 * Run this build's endpoint program on a device. An existing link is switched over without letting any frame
 * bypass it. A link replaces a filter in the same way: tcx runs first, and the program's verdict is final, so
 * a frame that the link handles never reaches the filter.
 * @param filterFirst attach a filter where there is no link yet: a link waits for all CPUs with the lock of
 *   all devices held, a filter does not
 * @returns how it is attached
 */
export function attachHook(
  paths: DatapathPaths,
  netnsFd: number,
  id: number,
  ifindex: number,
  filterFirst = false,
): ObservedHook['hook'] {
  return withProgram(paths, 'endpoint', (programFd) =>
    inNetns(netnsFd, () => {
      const path = join(paths.linksDir, String(id));
      const isLinked = usesTcx() && switchLink(path, programFd, ifindex);
      if (!usesTcx() || (filterFirst && !isLinked)) {
        tcAttach(programFd, ifindex, 'ingress', CLSACT);
        return 'clsact';
      }
      if (!isLinked) {
        const link = attachTcx(programFd, ifindex, 'ingress');
        try {
          pinLink(link, path);
        } finally {
          closeFd(link);
        }
      }
      removeFilter(ifindex, 'ingress');
      return 'tcx';
    }),
  );
}

/** Replace the program of this device's pinned link. False when there is no such link. */
export function switchLink(path: string, programFd: number, ifindex: number): boolean {
  const fd = openLink(path);
  try {
    const info = fd === undefined ? undefined : linkInfo(fd);
    if (fd !== undefined && info?.ifindex === ifindex) {
      if (info.progId !== programInfo(programFd).id) updateLink(fd, programFd);
      return true;
    }
  } finally {
    if (fd !== undefined) closeFd(fd);
  }
  removePin(path);
  return false;
}

/** Take the program off an endpoint's device. Does nothing if it is not attached. */
export function detachHook(
  paths: DatapathPaths,
  netnsFd: number,
  id: number,
  ifindex: number,
): void {
  const path = join(paths.linksDir, String(id));
  const fd = openLink(path);
  try {
    if (fd !== undefined) detachLink(fd);
  } finally {
    if (fd !== undefined) closeFd(fd);
  }
  removePin(path);
  if (ifindex === 0) return;
  try {
    inNetns(netnsFd, () => removeFilter(ifindex, 'ingress'));
  } catch (error) {
    if (!['ENOENT', 'EINVAL', 'ENODEV'].includes(errnoOf(error) ?? '')) throw error;
  }
}

/**
 * Remove our clsact filter, if there is one, and the qdisc if that leaves it empty. Without a filter of ours,
 * an empty qdisc belongs to another program.
 */
export function removeFilter(ifindex: number, direction: Direction): void {
  if (tcQuery(ifindex, direction, CLSACT) !== undefined) {
    tcDetach(ifindex, direction, CLSACT, true);
  }
}

/** Another owner's program on a device that dpctl uses too. */
export interface ForeignFilter {
  readonly name: string;
  readonly where: 'tcx ingress' | 'tcx egress' | 'clsact ingress';
}

/**
 * Programs of others on a device. Call it inside the device's namespace.
 * @param ownProgram id of dpctl's own program there
 */
export function foreignFilters(ifindex: number, ownProgram: number): ForeignFilter[] {
  const found: ForeignFilter[] = [];
  if (hasFeature('tcx')) {
    for (const direction of ['ingress', 'egress'] as const) {
      for (const { progId, name } of queryTcx(ifindex, direction)) {
        if (progId === ownProgram) continue;
        found.push({ name: name || `program ${progId}`, where: `tcx ${direction}` });
      }
    }
  }
  for (const { kind, priority, handle } of tcFilters(ifindex, 'ingress')) {
    if (handle === CLSACT.handle && priority === CLSACT.priority) continue;
    found.push({ name: `${kind} pref ${priority}`, where: 'clsact ingress' });
  }
  return found;
}
