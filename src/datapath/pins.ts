/**
 * The pins that a node needs, and what is wrong with them: lost, or replaced by something else. Everything in
 * the node's own file system is dpctl's, so whatever is in the way is removed.
 */
import { rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { DpctlError } from '../../loader/errors.js';
import { mapLayout } from '../../loader/map/info.js';
import { getPinned, type PinKind } from '../../loader/pin.js';
import { programInfo } from '../../loader/program.js';
import { withFd } from '../../loader/sys/files.js';
import { MAPS } from '../contract/generated.js';
import { isThere, namesIn, oddKind, statOf } from '../linux/path-status.js';

/** Directories of the node's BPF file system, and a file beside it. */
export interface DatapathPaths {
  /** Where the name of the build is cached; may be missing. */
  readonly buildFile: string;
  readonly mapsDir: string;
  readonly programsDir: string;
  readonly linksDir: string;
}

/** A pin that is not what it must be. */
export interface PinFault {
  readonly path: string;
  /** `is missing`, or a description of what is in its place. */
  readonly why: string;
  /** Something else is in its place. */
  readonly blocked: boolean;
}

/** Paths of the tables' pins. */
function tablePins({ mapsDir }: DatapathPaths): string[] {
  return Object.values(MAPS).map(({ name }) => join(mapsDir, name));
}

/** Whether every table can be read: pins may be missing after a crash, or removed by hand. */
export function areTablesPinned(paths: DatapathPaths): boolean {
  return tablePins(paths).every((path) => pinFault(path, 'map') === undefined);
}

/** What is wrong with a pin; undefined if nothing is. */
function pinFault(path: string, kind: PinKind): PinFault | undefined {
  const opened = openPin(path, kind);
  if (typeof opened !== 'number') return opened;
  const found = withFd(opened, (fd) => nameOf(fd, kind));
  const wanted = basename(path).slice(0, NAME_LENGTH);
  if (found === undefined || found === wanted) return undefined;
  return { path, why: `is the ${kind} ${found}; dpctl needs ${wanted} there`, blocked: true };
}

/** Bytes of a name that the kernel keeps (BPF_OBJ_NAME_LEN, with its NUL). */
const NAME_LENGTH = 15;

/** The kernel's name of a map or a program; links have no names. */
function nameOf(fd: number, kind: PinKind): string | undefined {
  if (kind === 'map') return mapLayout(fd).kernelName;
  return kind === 'program' ? programInfo(fd).name : undefined;
}

/** Run a section with a pinned object; undefined if the pin is not of this kind and name. */
export function withPin<T>(path: string, kind: PinKind, use: (fd: number) => T): T | undefined {
  const opened = openPin(path, kind);
  return typeof opened === 'number' ? withFd(opened, use) : undefined;
}

function openPin(path: string, kind: PinKind): number | PinFault {
  const stat = statOf(path);
  if (stat === undefined) return { path, why: 'is missing', blocked: false };
  const odd = oddKind(stat);
  if (odd !== undefined)
    return { path, why: `is ${odd}; dpctl needs a ${kind} there`, blocked: true };
  try {
    return getPinned(path, kind);
  } catch (error) {
    if (!(error instanceof DpctlError) || error.code !== 'PIN_KIND') throw error;
    const found = String(error.details.found);
    return { path, why: `is a pinned ${found}; dpctl needs a ${kind} there`, blocked: true };
  }
}

/** What is wrong with the tables' pins. */
export function tableFaults(paths: DatapathPaths): PinFault[] {
  return faultsOf(tablePins(paths), 'map');
}

/** What is wrong with pins of one kind. */
export function faultsOf(pins: readonly string[], kind: PinKind): PinFault[] {
  return pins.flatMap((path) => pinFault(path, kind) ?? []);
}

/** Entries in a directory of links that are no links, or whose name is not a link's. */
export function linkFaults(dir: string, isName: (name: string) => boolean): PinFault[] {
  const stat = statOf(dir);
  if (stat !== undefined && !stat.isDirectory())
    return [{ path: dir, why: `is ${oddKind(stat) ?? 'a file'}, not a directory`, blocked: true }];
  return namesIn(dir).flatMap((name) => {
    const path = join(dir, name);
    if (!isName(name)) return [{ path, why: 'does not belong to dpctl', blocked: true }];
    return pinFault(path, 'link') ?? [];
  });
}

/** Remove a pin, or whatever is in its place; symbolic links are not followed. False if there is nothing. */
export function removePin(path: string): boolean {
  if (!isThere(path)) return false;
  rmSync(path, { recursive: true, force: true });
  return true;
}
