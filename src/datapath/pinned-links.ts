/** Links of the endpoint program, pinned under the numbers of their endpoints. */
import { join } from 'node:path';
import { DpctlError } from '../../loader/errors.js';
import { linkInfo, openPinnedLink } from '../../loader/link/attach.js';
import { closeFd } from '../../loader/sys/files.js';
import { isThere, namesIn, statOf } from '../linux/path-status.js';
import type { DatapathPaths } from './pins.js';

/** Open a pinned link. Undefined if there is none, or if the pin is not a link and is in the way. */
export function openLink(path: string): number | undefined {
  if (statOf(path)?.isFile() !== true) return undefined;
  try {
    return openPinnedLink(path);
  } catch (error) {
    if (error instanceof DpctlError && error.code === 'PIN_KIND') return undefined;
    throw error;
  }
}

/** Whether a link is pinned under an endpoint's number, whatever device it is attached to. */
export function isLinkPinned(paths: DatapathPaths, id: number): boolean {
  return isThere(join(paths.linksDir, String(id)));
}

/** Numbers of the endpoints that have a pin among the links. Reads names only. */
export function linkNumbers({ linksDir }: DatapathPaths): Set<number> {
  return new Set(namesIn(linksDir).map(Number));
}

/** Ids of the pinned links, by endpoint number. */
export function pinnedLinkIds(paths: DatapathPaths): Map<number, number> {
  const ids = new Map<number, number>();
  for (const name of namesIn(paths.linksDir)) {
    const fd = openLink(join(paths.linksDir, name));
    if (fd === undefined) continue;
    try {
      ids.set(Number(name), linkInfo(fd).id);
    } finally {
      closeFd(fd);
    }
  }
  return ids;
}

/** Ids of the pinned links: of one endpoint, or of all. */
export function ownLinks(paths: DatapathPaths, id: number | undefined): number[] {
  if (id === undefined) return [...pinnedLinkIds(paths).values()];
  const fd = openLink(join(paths.linksDir, String(id)));
  if (fd === undefined) return [];
  try {
    return [linkInfo(fd).id];
  } finally {
    closeFd(fd);
  }
}
