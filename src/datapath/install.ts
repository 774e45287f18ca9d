/**
 * The datapath in the kernel: its objects are loaded once, with maps and programs pinned, so that it forwards
 * whatever happens to this process.
 */

import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DpctlError } from '../../loader/errors.js';
import { exec, run } from '../../loader/hint.js';
import { loadObject, openObject } from '../../loader/object/object.js';
import { pin } from '../../loader/pin.js';
import { hasFeature } from '../../loader/probe.js';
import { programInfo } from '../../loader/program.js';
import { isThere, namesIn } from '../linux/path-status.js';
import { kernelRelease } from '../linux/process.js';
import { REQUIRED } from './features.js';
import {
  buildId,
  constantsOf,
  OBJECTS,
  type ObjectName,
  objectFile,
  type ProgramName,
} from './objects.js';
import {
  areTablesPinned,
  type DatapathPaths,
  faultsOf,
  linkFaults,
  type PinFault,
  removePin,
  tableFaults,
  withPin,
} from './pins.js';
import { orReset } from './refusals.js';

export { objectFile, type ProgramName } from './objects.js';
export { areTablesPinned, type DatapathPaths } from './pins.js';

/**
 * What is wrong with the pins of a node: those that endpoints need, and files in the place of links. A lost
 * link shows as a program that no longer runs.
 * @param options.links false: leave out the links, of which there are as many as endpoints
 */
export function pinFaults(
  paths: DatapathPaths,
  { links = true }: { readonly links?: boolean } = {},
): PinFault[] {
  const shared = [...tableFaults(paths), ...programFaults(paths, 'endpoint')];
  if (!links) return shared;
  return [
    ...shared,
    ...linkFaults(paths.linksDir, (name) => /^[1-9]\d*$/.test(name)),
    ...linkFaults(overlayLinksDir(paths), (name) => name in OBJECTS),
  ];
}

/** What is wrong with the pinned programs of this build's object. */
function programFaults(paths: DatapathPaths, name: ObjectName): PinFault[] {
  const dir = join(paths.programsDir, buildId(paths.buildFile));
  const pins = OBJECTS[name].map((program) => join(dir, program));
  return faultsOf(pins, 'program');
}

/** Remove files that are in the place of pins: {@link installDatapath} makes the pins again. */
export function clearFalsePins(paths: DatapathPaths): void {
  for (const { path, blocked } of pinFaults(paths)) if (blocked) removePin(path);
}

/**
 * Load what endpoints need and pin its maps and programs, unless this build is already there. Existing maps
 * are reused.
 * @param maxEntries sizes of tables by map name, where they differ from the object's own
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
 * Load one object, as {@link installDatapath} does. Existing tables keep their sizes.
 * @returns id of the object's program of the same name
 * @throws DpctlError KERNEL_TOO_OLD, VERIFIER, MAP_LAYOUT
 */
export function installObject(
  paths: DatapathPaths,
  name: ObjectName,
  maxEntries: 'pinned' | Readonly<Record<string, number>> = 'pinned',
): number {
  const dir = join(paths.programsDir, buildId(paths.buildFile));
  // Programs whose tables lost their pins would keep using tables that dpctl cannot reach.
  const isWhole = programFaults(paths, name).length === 0 && areTablesPinned(paths);
  if (isWhole) return pinnedId(join(dir, name));
  requireFeatures();
  const object = openObject(objectFile(name), {
    constants: constantsOf(name),
    maxEntries,
    pinDir: paths.mapsDir,
  });
  try {
    orReset(() => loadObject(object));
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    for (const each of OBJECTS[name]) {
      const program = object.programs.get(each);
      if (program === undefined) throw missingProgram(each);
      removePin(join(dir, each));
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
    hint: exec`make build`,
  });
}

/** The verifier would refuse a program with a missing helper, but with a less clear message. */
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
  return withPin(path, 'program', (fd) => programInfo(fd).id) ?? 0;
}

/**
 * Run a section with a loaded program. The program that answers user space may be of another build: after
 * dpctl was replaced, a dump must work before anything is changed.
 * @throws DpctlError NOT_INSTALLED, exit 3
 */
export function withProgram<T>(paths: DatapathPaths, name: ProgramName, use: (fd: number) => T): T {
  for (const build of candidates(paths, name)) {
    const path = join(paths.programsDir, build, name);
    const used = withPin(path, 'program', (fd) => ({ result: use(fd) }));
    if (used !== undefined) return used.result;
  }
  throw new DpctlError('NOT_INSTALLED', `no program ${name} is pinned in ${paths.programsDir}`, {
    exitCode: 3,
    hint: run`reconcile`,
  });
}

/** Builds whose program may be used, best first. */
function candidates(paths: DatapathPaths, name: ProgramName): string[] {
  if (name !== 'control') return [buildId(paths.buildFile)];
  const builds = buildsOf(paths);
  // Computing this build's name means reading all objects, a tenth of a dump; with a single candidate it is
  // not needed.
  return builds.length === 1 ? builds : [buildId(paths.buildFile), ...builds];
}

/** Builds that have pinned programs. */
function buildsOf(paths: DatapathPaths): string[] {
  return namesIn(paths.programsDir);
}

/** Whether a program is pinned, of any build. */
export function isProgramPinned(paths: DatapathPaths, name: ProgramName): boolean {
  return buildsOf(paths).some((build) => isThere(join(paths.programsDir, build, name)));
}

/** Unpin a program of every build; links that run it keep it. */
export function unpinProgram(paths: DatapathPaths, name: ProgramName): void {
  for (const build of buildsOf(paths)) removePin(join(paths.programsDir, build, name));
}

/** Unpin the programs of other builds. Links that run them keep them. */
export function pruneBuilds(paths: DatapathPaths): void {
  const current = buildId(paths.buildFile);
  for (const build of buildsOf(paths)) {
    if (build !== current) removePin(join(paths.programsDir, build));
  }
}

/** Where the links of the overlay's programs are pinned, by program name. */
export function overlayLinksDir({ linksDir }: DatapathPaths): string {
  return join(dirname(linksDir), 'overlay');
}

/** Unpin everything: maps, programs and links. */
export function uninstallDatapath(paths: DatapathPaths): void {
  for (const dir of [overlayLinksDir(paths), paths.linksDir, paths.mapsDir, paths.programsDir]) {
    removePin(dir);
  }
}

/** Whether a node has programs, but none of this build: another dpctl has taken it over. */
export function runsOtherBuild(paths: DatapathPaths): boolean {
  const builds = buildsOf(paths);
  return builds.length > 0 && !builds.includes(buildId(paths.buildFile));
}
