import { closeSync } from 'node:fs';
import { DpctlError, ERRNO, kernelError } from '../errors.js';
import { libbpf } from '../libbpf.js';
import { lastErrno, libc } from '../libc.js';
import { openProgramById } from '../program.js';
import { struct } from '../struct.js';
import { type Direction, TCX_ATTACH } from './attach.js';

/** A program in a device's tcx chain. */
export interface TcxEntry {
  readonly progId: number;
  /** 0 when it was attached without a link. */
  readonly linkId: number;
  /** At most 15 characters; '' when the program went meanwhile. */
  readonly name: string;
}

const SYS_BPF: Readonly<Record<string, number>> = { x64: 321, arm64: 280 };
const BPF_PROG_QUERY = 16;
const QUERY_ATTR_SIZE = 64;
/** The kernel's limit of programs in one chain (BPF_MPROG_MAX). */
const CHAIN_MAX = 64;

/**
 * The programs on one side of a device, in the order they run. Call it inside the device's network
 * namespace. Asked of the kernel directly: libbpf 1.1 cannot return link ids.
 * @throws DpctlError KERNEL_EINVAL (no tcx in this kernel), KERNEL_ENODEV
 */
export function queryTcx(ifindex: number, direction: Direction): readonly TcxEntry[] {
  const progIds = new Uint32Array(CHAIN_MAX);
  const linkIds = new Uint32Array(CHAIN_MAX);
  const attr = struct(QUERY_ATTR_SIZE)
    .u32(0, ifindex)
    .u32(4, TCX_ATTACH[direction])
    .pointer(16, new Uint8Array(progIds.buffer))
    .u32(24, CHAIN_MAX)
    .pointer(40, new Uint8Array(linkIds.buffer));
  const result = libc.syscall(bpfNumber(), BPF_PROG_QUERY, attr.bytes, QUERY_ATTR_SIZE);
  if (result < 0) {
    throw kernelError(`bpf_prog_query tcx/${direction} ifindex ${ifindex}`, lastErrno());
  }
  return Array.from(progIds.subarray(0, attr.getU32(24)), (progId, i) => ({
    progId,
    linkId: linkIds[i] ?? 0,
    name: programName(progId),
  }));
}

/** The system call number of bpf(2), which differs between architectures. */
function bpfNumber(): number {
  const number = SYS_BPF[process.arch];
  if (number === undefined) throw new DpctlError('PLATFORM', `no bpf(2) on ${process.arch}`);
  return number;
}

function programName(id: number): string {
  const program = openProgramById(id);
  if (!program) return '';
  closeSync(program.fd);
  return program.name;
}

/**
 * The id of the XDP program on a device, 0 if there is none. Call it inside the device's network
 * namespace.
 */
export function queryXdp(ifindex: number): number {
  const id = struct(4);
  const result = libbpf().bpf_xdp_query_id(ifindex, 0, id.bytes);
  if (-result === ERRNO.ENOENT) return 0;
  if (result < 0) throw kernelError(`bpf_xdp_query_id ifindex ${ifindex}`, -result);
  return id.getU32(0);
}
