/**
 * The datapath in the kernel: its object loaded once and pinned, its program put on the host
 * ends of endpoints. Pins keep it forwarding whatever happens to this process.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DpctlError, errnoOf } from '../../loader/errors.js';
import {
  attachTcx,
  detachLink,
  linkInfo,
  openPinnedLink,
  pinLink,
  queryTcx,
  tcAttach,
  tcDetach,
  tcFilters,
  tcQuery,
  updateLink,
} from '../../loader/link.js';
import { getPinned, pin, unpin } from '../../loader/map.js';
import { loadObject, openObject } from '../../loader/object.js';
import { hasFeature } from '../../loader/probe.js';
import { programInfo } from '../../loader/program.js';
import { clockTickHz, closeFd, inNetns } from '../../loader/sys.js';
import type { ObservedHook } from '../model/observed.js';

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
 * Where our filter stands in clsact's list, on kernels without tcx: behind what others put
 * there with a smaller number, and found again by the number.
 */
const CLSACT = { handle: 0xd9, priority: 50_000 };

/** The file with the programs: beside the build, or where DPCTL_BPF_DIR says. */
function objectFile(): string {
  const given = process.env.DPCTL_BPF_DIR;
  if (given !== undefined && given !== '') return join(given, 'endpoint.bpf.o');
  const start = typeof __dirname === 'string' ? __dirname : import.meta.dirname;
  for (let dir = start; ; dir = dirname(dir)) {
    const file = join(dir, 'bpf', 'endpoint.bpf.o');
    if (existsSync(file)) return file;
    if (dir === dirname(dir)) break;
  }
  throw new DpctlError('NOT_BUILT', 'the BPF object endpoint.bpf.o is not there', {
    exitCode: 70,
    hint: 'make build',
  });
}

/** A short name of the object's content: programs of different builds have different pins. */
function buildId(): string {
  return createHash('sha256').update(readFileSync(objectFile())).digest('hex').slice(0, 12);
}

/**
 * Load the object and pin its maps and programs, unless this build is there already. Maps that
 * are there are used on.
 * @returns id of the endpoint program
 * @throws DpctlError VERIFIER, MAP_LAYOUT
 */
export function installDatapath(paths: DatapathPaths): number {
  const dir = join(paths.programsDir, buildId());
  const there = pinnedId(join(dir, 'endpoint'));
  if (there !== 0) return there;
  const object = openObject(objectFile(), {
    constants: { hz: clockTickHz() },
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

/** Run a section with a loaded program of this build. */
export function withProgram<T>(paths: DatapathPaths, name: ProgramName, use: (fd: number) => T): T {
  const fd = getPinned(join(paths.programsDir, buildId(), name));
  try {
    return use(fd);
  } finally {
    closeFd(fd);
  }
}

/** Unpin the programs of other builds. Links that run them keep them. */
export function pruneBuilds(paths: DatapathPaths): void {
  const current = buildId();
  for (const build of readdirSync(paths.programsDir)) {
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

/** Whether endpoints get tcx links here; DPCTL_TC=clsact asks for the older way. */
function usesTcx(): boolean {
  return process.env.DPCTL_TC !== 'clsact' && hasFeature('tcx');
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
  const path = join(paths.linksDir, String(id));
  if (existsSync(path)) {
    const fd = openPinnedLink(path);
    try {
      const info = linkInfo(fd);
      // A link whose device was deleted is left with ifindex 0.
      if (info.ifindex === ifindex) return { hook: 'tcx', programId: info.progId };
    } finally {
      closeFd(fd);
    }
  }
  const programId = inNetns(netnsFd, () => tcQuery(ifindex, 'ingress', CLSACT));
  return programId === undefined ? undefined : { hook: 'clsact', programId };
}

/**
 * Run this build's endpoint program on a device: a link that is there is switched over without
 * a frame passing beside it.
 * @returns how it is attached
 */
export function attachHook(
  paths: DatapathPaths,
  netnsFd: number,
  id: number,
  ifindex: number,
): ObservedHook['hook'] {
  return withProgram(paths, 'endpoint', (programFd) =>
    inNetns(netnsFd, () => {
      if (!usesTcx()) {
        tcAttach(programFd, ifindex, 'ingress', CLSACT);
        return 'clsact';
      }
      const path = join(paths.linksDir, String(id));
      if (!switchLink(path, programFd, ifindex)) {
        const link = attachTcx(programFd, ifindex, 'ingress');
        try {
          pinLink(link, path);
        } finally {
          closeFd(link);
        }
      }
      return 'tcx';
    }),
  );
}

/** Give the pinned link of this device the program. False when there is no such link. */
function switchLink(path: string, programFd: number, ifindex: number): boolean {
  if (!existsSync(path)) return false;
  const fd = openPinnedLink(path);
  try {
    const info = linkInfo(fd);
    if (info.ifindex === ifindex) {
      if (info.progId !== programInfo(programFd).id) updateLink(fd, programFd);
      return true;
    }
  } finally {
    closeFd(fd);
  }
  unpin(path);
  return false;
}

/** Take the program off an endpoint's device. Nothing happens when it is not there. */
export function detachHook(
  paths: DatapathPaths,
  netnsFd: number,
  id: number,
  ifindex: number,
): void {
  const path = join(paths.linksDir, String(id));
  if (existsSync(path)) {
    const fd = openPinnedLink(path);
    try {
      detachLink(fd);
    } finally {
      closeFd(fd);
    }
    unpin(path);
  }
  if (ifindex === 0) return;
  try {
    inNetns(netnsFd, () => tcDetach(ifindex, 'ingress', CLSACT, true));
  } catch (error) {
    if (!['ENOENT', 'EINVAL', 'ENODEV'].includes(errnoOf(error) ?? '')) throw error;
  }
}

/** A program of somebody else's on a device that dpctl uses too. */
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
