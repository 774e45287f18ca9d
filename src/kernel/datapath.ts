/**
 * The datapath in the kernel: its object loaded once, its maps and programs pinned, so that it
 * forwards whatever happens to this process.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DpctlError } from '../../loader/errors.js';
import { getPinned, pin, unpin } from '../../loader/map.js';
import { loadObject, openObject } from '../../loader/object.js';
import { type Feature, hasFeature } from '../../loader/probe.js';
import { programInfo } from '../../loader/program.js';
import { clockTickHz, closeFd } from '../../loader/sys.js';
import { MAPS } from '../contract/generated.js';
import { kernelRelease } from './process.js';

declare const __dirname: string | undefined;

/** Directories of the node's BPF file system. */
export interface DatapathPaths {
  readonly mapsDir: string;
  readonly programsDir: string;
  readonly linksDir: string;
}

/** Programs of the object that are loaded and pinned. */
const PROGRAMS = ['endpoint', 'control'] as const;
export type ProgramName = (typeof PROGRAMS)[number];

/**
 * The file with the programs: beside the build, or where DPCTL_BPF_DIR says.
 * @throws DpctlError NOT_BUILT
 */
export function objectFile(): string {
  const given = process.env.DPCTL_BPF_DIR;
  if (given !== undefined && given !== '') {
    const file = join(given, 'endpoint.bpf.o');
    if (existsSync(file)) return file;
    throw notBuilt(file);
  }
  const start = typeof __dirname === 'string' ? __dirname : import.meta.dirname;
  for (let dir = start; ; dir = dirname(dir)) {
    const file = join(dir, 'bpf', 'endpoint.bpf.o');
    if (existsSync(file)) return file;
    if (dir === dirname(dir)) break;
  }
  throw notBuilt('bpf/endpoint.bpf.o');
}

function notBuilt(file: string): DpctlError {
  return new DpctlError('NOT_BUILT', `the BPF object ${file} is not there`, {
    exitCode: 70,
    hint: 'make build',
    details: { file },
  });
}

/** A short name of the object's content: programs of different builds have different pins. */
function buildId(): string {
  return createHash('sha256').update(readFileSync(objectFile())).digest('hex').slice(0, 12);
}

/** Whether every table is there to be read: pins may be missing after a crash, or removed by hand. */
export function areTablesPinned(paths: DatapathPaths): boolean {
  return Object.values(MAPS).every(({ name }) => existsSync(join(paths.mapsDir, name)));
}

/**
 * Load the object and pin its maps and programs, unless this build is there already. Maps that
 * are there are used on.
 * @param maxEntries sizes of tables by the map's name, where the object's own will not do
 * @returns id of the endpoint program
 * @throws DpctlError KERNEL_TOO_OLD, VERIFIER, MAP_LAYOUT
 */
export function installDatapath(
  paths: DatapathPaths,
  maxEntries: Readonly<Record<string, number>> = {},
): number {
  const dir = join(paths.programsDir, buildId());
  const there = pinnedId(join(dir, 'endpoint'));
  // Programs without their tables would go on with tables that nobody can reach.
  if (there !== 0 && areTablesPinned(paths)) return there;
  requireFeatures();
  const object = openObject(objectFile(), {
    constants: { hz: clockTickHz() },
    maxEntries,
    pinDir: paths.mapsDir,
  });
  try {
    loadObject(object);
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    // The endpoint program last: where it is, the others are.
    for (const name of [...PROGRAMS].reverse()) {
      const program = object.programs.get(name);
      if (program === undefined) throw missingProgram(name);
      unpin(join(dir, name));
      pin(program.fd, join(dir, name));
    }
  } finally {
    object.close();
  }
  return pinnedId(join(dir, 'endpoint'));
}

/** What the programs call, and the kernels that had it first. */
const REQUIRED = {
  redirect_peer: '5.10',
  redirect_neigh: '5.10',
  ringbuf: '5.8',
  bpf_timer: '5.15',
  bpf_loop: '5.17',
} as const satisfies Partial<Record<Feature, string>>;

/** The verifier would refuse a program for a helper that is not there, but not say it so plainly. */
function requireFeatures(): void {
  const missing = Object.entries(REQUIRED).filter(([name]) => !hasFeature(name as Feature));
  if (missing.length === 0) return;
  const list = missing.map(([name, since]) => `${name} (Linux ${since})`).join(', ');
  throw new DpctlError('KERNEL_TOO_OLD', `this kernel, ${kernelRelease()}, does not have ${list}`, {
    hint: 'run dpctl on Linux 5.17 or later; Debian 12 has 6.1',
    details: { missing: missing.map(([name]) => name), kernel: kernelRelease() },
  });
}

function missingProgram(name: string): DpctlError {
  return new DpctlError('NOT_BUILT', `the BPF object has no program ${name}`, {
    exitCode: 70,
    hint: 'make build',
  });
}

/** Id of the endpoint program of this build, 0 when it is not loaded. */
export function installedProgramId(paths: DatapathPaths): number {
  return pinnedId(join(paths.programsDir, buildId(), 'endpoint'));
}

function pinnedId(path: string): number {
  if (!existsSync(path)) return 0;
  const fd = getPinned(path);
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
  const own = buildId();
  const others = name === 'control' ? buildsOf(paths) : [];
  const path = [own, ...others]
    .map((build) => join(paths.programsDir, build, name))
    .find((candidate) => existsSync(candidate));
  if (path === undefined) {
    throw new DpctlError('NOT_INSTALLED', `no program ${name} is pinned in ${paths.programsDir}`, {
      exitCode: 3,
      hint: 'dpctl reconcile',
    });
  }
  const fd = getPinned(path);
  try {
    return use(fd);
  } finally {
    closeFd(fd);
  }
}

/** Builds of which programs are pinned. */
function buildsOf(paths: DatapathPaths): string[] {
  return existsSync(paths.programsDir) ? readdirSync(paths.programsDir) : [];
}

/** Unpin the programs of other builds. Links that run them keep them. */
export function pruneBuilds(paths: DatapathPaths): void {
  const current = buildId();
  for (const build of buildsOf(paths)) {
    if (build !== current) removePinDir(join(paths.programsDir, build));
  }
}

/** Unpin everything: maps, programs and links. */
export function uninstallDatapath(paths: DatapathPaths): void {
  for (const dir of [paths.linksDir, paths.mapsDir]) {
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
