import { closeSync } from 'node:fs';
import { ERRNO, kernelError } from './errors.js';
import { checkBpf, libbpf } from './libbpf.js';
import { fixedString } from './libc.js';
import { objectInfo } from './object-info.js';
import { getPinned } from './pin.js';
import { struct } from './struct.js';

/** A loaded program. */
export interface BpfProgram {
  readonly fd: number;
  /** The C function's name; of a program opened by pin or id only its first 15 characters. */
  readonly name: string;
  readonly id: number;
  /** The kernel's digest of the instructions, 16 hex digits: the same code has the same tag. */
  readonly tag: string;
  /** BPF_PROG_TYPE_, see {@link PROG_TYPE}. */
  readonly type: number;
}

/** BPF_PROG_TYPE_ numbers (linux/bpf.h) that the project uses. */
export const PROG_TYPE = {
  socketFilter: 1,
  schedCls: 3,
  schedAct: 4,
  xdp: 6,
} as const;

/** The kernel's information about a program. */
export interface ProgramInfo extends BpfProgram {
  /** When it was loaded, nanoseconds since boot. */
  readonly loadTime: bigint;
  /** Time spent in it, ns, and runs; counted only while kernel.bpf_stats_enabled is on. */
  readonly runTimeNs: bigint;
  readonly runCount: bigint;
  /** Bytes of BPF and of machine code; jited 0 when it is interpreted. */
  readonly xlatedLength: number;
  readonly jitedLength: number;
  /** Instructions the verifier walked. */
  readonly verifiedInsns: number;
  readonly mapIds: readonly number[];
  readonly btfId: number;
}

const BPF_PROG_INFO_SIZE = 232;

/** What the kernel knows about a program (bpf_prog_info). */
export function programInfo(fd: number): ProgramInfo {
  let info = objectInfo(fd, BPF_PROG_INFO_SIZE);
  const count = info.getU32(52);
  const ids = new Uint32Array(count);
  if (count > 0) {
    const room = new Uint8Array(ids.buffer);
    info = objectInfo(
      fd,
      BPF_PROG_INFO_SIZE,
      struct(BPF_PROG_INFO_SIZE).u32(52, count).pointer(56, room),
    );
  }
  return {
    fd,
    type: info.getU32(0),
    id: info.getU32(4),
    tag: Buffer.from(info.bytes.subarray(8, 16)).toString('hex'),
    jitedLength: info.getU32(16),
    xlatedLength: info.getU32(20),
    loadTime: info.getU64(40),
    mapIds: Array.from(ids),
    name: fixedString(info.bytes.subarray(64, 80)),
    btfId: info.getU32(128),
    runTimeNs: info.getU64(192),
    runCount: info.getU64(200),
    verifiedInsns: info.getU32(216),
  };
}

/** A program from its descriptor. @param name a longer name than the kernel's 15 characters */
export function programFromFd(fd: number, name?: string): BpfProgram {
  const info = programInfo(fd);
  return { fd, name: name ?? info.name, id: info.id, tag: info.tag, type: info.type };
}

/**
 * Open a pinned program. Close it with {@link closeProgram}.
 * @throws DpctlError KERNEL_ENOENT when nothing is pinned there
 */
export function openPinnedProgram(path: string): BpfProgram {
  return owned(getPinned(path, 'program'));
}

/**
 * Open a program by its id; undefined when it is gone. Close it with {@link closeProgram}.
 */
export function openProgramById(id: number): BpfProgram | undefined {
  const fd = libbpf().bpf_prog_get_fd_by_id(id);
  if (-fd === ERRNO.ENOENT) return undefined;
  if (fd < 0) throw kernelError(`bpf_prog_get_fd_by_id ${id}`, -fd);
  return owned(fd);
}

function owned(fd: number): BpfProgram {
  try {
    return programFromFd(fd);
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

/** Close a program's descriptor. A program of a loaded object is closed by the object instead. */
export function closeProgram(program: BpfProgram): void {
  closeSync(program.fd);
}

const BPF_STATS_RUN_TIME = 0;

/**
 * Count run time and runs of every program for as long as the descriptor is open; it costs each
 * run some 20 ns.
 * @returns the descriptor to close
 */
export function enableRunStats(): number {
  return checkBpf('bpf_enable_stats', libbpf().bpf_enable_stats(BPF_STATS_RUN_TIME));
}
