/** Who owns a program on a device: this root, or another dpctl root in the same namespace. */
import { join } from 'node:path';
import { DpctlError } from '../../loader/errors.js';
import type { Direction } from '../../loader/link/attach.js';
import { type TcFilter, tcQuery } from '../../loader/link/clsact.js';
import { queryTcx } from '../../loader/link/query.js';
import { closeMap, openPinnedMap } from '../../loader/map/info.js';
import { hasFeature } from '../../loader/probe.js';
import { openProgramById, programInfo } from '../../loader/program.js';
import { closeFd } from '../../loader/sys/files.js';
import { inNetns } from '../../loader/sys/netns.js';
import { namesIn, statOf } from '../linux/path-status.js';
import type { DatapathPaths } from './pins.js';

/**
 * The position of our filter in clsact's list, on kernels without tcx: behind others' filters with a smaller
 * priority. The numbers also find it again.
 */
export const CLSACT: TcFilter = { handle: 0xd9, priority: 50_000 };

/** A point at which a program of dpctl may run. */
export interface AttachPoint {
  /** The program's name in the kernel. */
  readonly name: string;
  readonly ifindex: number;
  readonly direction: Direction;
  /** Skip filters: their owner is known. */
  readonly linksOnly?: boolean;
}

/**
 * Whether a device runs one of dpctl's programs for an owner whose pins are elsewhere. Links are recognized
 * by their ids, filters by the maps of their program.
 * @param ownLinks ids of the links that are pinned here
 */
export function runsForOther(
  paths: DatapathPaths,
  netnsFd: number,
  point: AttachPoint,
  ownLinks: () => ReadonlySet<number>,
): boolean {
  const { name, ifindex, direction } = point;
  if (hasFeature('tcx')) {
    const links = inNetns(netnsFd, () => queryTcx(ifindex, direction)).filter(
      (entry) => entry.name === name,
    );
    if (links.length > 0) {
      const own = ownLinks();
      if (links.some(({ linkId }) => !own.has(linkId))) return true;
    }
  }
  const filter = point.linksOnly === true ? undefined : filterMaps(netnsFd, point);
  return filter !== undefined && !sharesMaps(paths, filter);
}

/** Whether a device runs one of dpctl's programs through a filter that uses the tables pinned here. */
export function hasOwnFilter(paths: DatapathPaths, netnsFd: number, point: AttachPoint): boolean {
  const filter = filterMaps(netnsFd, point);
  return filter !== undefined && sharesMaps(paths, filter);
}

/**
 * Ids of the maps of the program that a filter runs at a point; undefined if no filter runs a program of that
 * name.
 */
function filterMaps(
  netnsFd: number,
  { name, ifindex, direction }: AttachPoint,
): readonly number[] | undefined {
  const id = inNetns(netnsFd, () => tcQuery(ifindex, direction, CLSACT));
  const program = id === undefined ? undefined : openProgramById(id);
  if (program === undefined) return undefined;
  try {
    return program.name === name ? programInfo(program.fd).mapIds : undefined;
  } finally {
    closeFd(program.fd);
  }
}

/** Every program of ours uses pinned tables; those of another root have other ids. */
function sharesMaps({ mapsDir }: DatapathPaths, mapIds: readonly number[]): boolean {
  return namesIn(mapsDir).some((name) => mapIds.includes(pinnedMapId(join(mapsDir, name))));
}

/** 0 if the pinned object is not a map: another program has put it there. */
function pinnedMapId(path: string): number {
  if (statOf(path)?.isFile() !== true) return 0;
  try {
    const map = openPinnedMap(path);
    closeMap(map);
    return map.id;
  } catch (error) {
    if (error instanceof DpctlError && error.code === 'PIN_KIND') return 0;
    throw error;
  }
}
