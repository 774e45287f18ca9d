/**
 * The datapath in the kernel: its objects loaded once, their maps and programs pinned, so that it
 * forwards whatever happens to this process.
 */
import { existsSync, mkdirSync, readdirSync, rmdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DpctlError } from '../../loader/errors.js';
import { getPinned, pin, unpin } from '../../loader/map.js';
import { loadObject, openObject } from '../../loader/object.js';
import { hasFeature } from '../../loader/probe.js';
import { programInfo } from '../../loader/program.js';
import { closeFd } from '../../loader/sys.js';
import { MAPS } from '../contract/generated.js';
import { REQUIRED } from './features.js';
import {
  buildId,
  constantsOf,
  OBJECTS,
  type ObjectName,
  objectFile,
  type ProgramName,
} from './objects.js';
import { kernelRelease } from './process.js';

export { objectFile, type ProgramName } from './objects.js';

/** Directories of the node's BPF file system, and a file beside it. */
export interface DatapathPaths {
  /** Where the name of the build is remembered; needs not be there. */
  readonly buildFile: string;
  readonly mapsDir: string;
  readonly programsDir: string;
  readonly linksDir: string;
}

/** Whether every table is there to be read: pins may be missing after a crash, or removed by hand. */
export function areTablesPinned(paths: DatapathPaths): boolean {
  return Object.values(MAPS).every(({ name }) => existsSync(join(paths.mapsDir, name)));
}

/**
 * Load what endpoints need and pin its maps and programs, unless this build is there already. Maps
 * that are there are used on.
 * @param maxEntries sizes of tables by the map's name, where the object's own will not do
 * @returns id of the endpoint program
 * @throws DpctlError KERNEL_TOO_OLD, VERIFIER, MAP_LAYOUT
 */
export function installDatapath(
  paths: DatapathPaths,
  maxEntries: Readonly<Record<string, number>> = {},
): number {
  return installObject(paths, 'endpoint', maxEntries);
}

/**
 * Load one object, as {@link installDatapath} does. Tables that are there keep their sizes.
 * @returns id of the object's program of the same name
 * @throws DpctlError KERNEL_TOO_OLD, VERIFIER, MAP_LAYOUT
 */
export function installObject(
  paths: DatapathPaths,
  name: ObjectName,
  maxEntries: 'pinned' | Readonly<Record<string, number>> = 'pinned',
): number {
  const dir = join(paths.programsDir, buildId(paths.buildFile));
  const there = pinnedId(join(dir, name));
  // Programs without their tables would go on with tables that nobody can reach.
  if (there !== 0 && areTablesPinned(paths)) return there;
  requireFeatures();
  const object = openObject(objectFile(name), {
    constants: constantsOf(name),
    maxEntries,
    pinDir: paths.mapsDir,
  });
  try {
    loadObject(object);
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    for (const each of OBJECTS[name]) {
      const program = object.programs.get(each);
      if (program === undefined) throw missingProgram(each);
      unpin(join(dir, each));
      pin(program.fd, join(dir, each));
    }
  } finally {
    object.close();
  }
  return pinnedId(join(dir, name));
}

function missingProgram(name: string): DpctlError {
  return new DpctlError('NOT_BUILT', `the BPF object has no program ${name}`, {
    exitCode: 70,
    hint: 'make build',
  });
}

/** The verifier would refuse a program for a helper that is not there, but not say it so plainly. */
function requireFeatures(): void {
  const missing = [...REQUIRED].filter(([name]) => !hasFeature(name));
  if (missing.length === 0) return;
  const list = missing.map(([name, since]) => `${name} (Linux ${since})`).join(', ');
  throw new DpctlError('KERNEL_TOO_OLD', `this kernel, ${kernelRelease()}, does not have ${list}`, {
    hint: 'run dpctl on Linux 5.17 or later; Debian 12 has 6.1',
    details: { missing: missing.map(([name]) => name), kernel: kernelRelease() },
  });
}

/** Id of a program of this build, 0 when it is not loaded. */
export function installedProgramId(paths: DatapathPaths, name: ProgramName = 'endpoint'): number {
  return pinnedId(join(paths.programsDir, buildId(paths.buildFile), name));
}

function pinnedId(path: string): number {
  if (!existsSync(path)) return 0;
  const fd = getPinned(path, 'program');
  try {
    return programInfo(fd).id;
  } finally {
    closeFd(fd);
  }
}

/**
 * Run a section with a loaded program of this build. The one that answers user space may be that
 * of another build: after dpctl was replaced, a dump must work before anything is changed.
 * @throws DpctlError NOT_INSTALLED, exit 3
 */
export function withProgram<T>(paths: DatapathPaths, name: ProgramName, use: (fd: number) => T): T {
  const path = candidates(paths, name)
    .map((build) => join(paths.programsDir, build, name))
    .find((candidate) => existsSync(candidate));
  if (path === undefined) {
    throw new DpctlError('NOT_INSTALLED', `no program ${name} is pinned in ${paths.programsDir}`, {
      exitCode: 3,
      hint: 'dpctl reconcile',
    });
  }
  const fd = getPinned(path, 'program');
  try {
    return use(fd);
  } finally {
    closeFd(fd);
  }
}

/** Builds of which a program may be used, the best first. */
function candidates(paths: DatapathPaths, name: ProgramName): string[] {
  if (name !== 'control') return [buildId(paths.buildFile)];
  const builds = buildsOf(paths);
  // To know one's own name takes reading all objects, a tenth of a dump; where there is no choice it
  // need not be known.
  return builds.length === 1 ? builds : [buildId(paths.buildFile), ...builds];
}

/** Builds of which programs are pinned. */
function buildsOf(paths: DatapathPaths): string[] {
  return existsSync(paths.programsDir) ? readdirSync(paths.programsDir) : [];
}

/** Whether a program is pinned, of whatever build. */
export function isProgramPinned(paths: DatapathPaths, name: ProgramName): boolean {
  return buildsOf(paths).some((build) => existsSync(join(paths.programsDir, build, name)));
}

/** Unpin a program of every build; what runs it keeps it. */
export function unpinProgram(paths: DatapathPaths, name: ProgramName): void {
  for (const build of buildsOf(paths)) unpin(join(paths.programsDir, build, name));
}

/** Unpin the programs of other builds. Links that run them keep them. */
export function pruneBuilds(paths: DatapathPaths): void {
  const current = buildId(paths.buildFile);
  for (const build of buildsOf(paths)) {
    if (build !== current) removePinDir(join(paths.programsDir, build));
  }
}

/** Where the links of the overlay's programs are pinned, by the names of the programs. */
export function overlayLinksDir({ linksDir }: DatapathPaths): string {
  return join(dirname(linksDir), 'overlay');
}

/** Unpin everything: maps, programs and links. */
export function uninstallDatapath(paths: DatapathPaths): void {
  for (const dir of [overlayLinksDir(paths), paths.linksDir, paths.mapsDir]) {
    if (existsSync(dir)) removePinDir(dir);
  }
  if (!existsSync(paths.programsDir)) return;
  for (const build of readdirSync(paths.programsDir)) {
    removePinDir(join(paths.programsDir, build));
  }
  rmdirSync(paths.programsDir);
}

function removePinDir(dir: string): void {
  for (const name of readdirSync(dir)) unpin(join(dir, name));
  rmdirSync(dir);
}
