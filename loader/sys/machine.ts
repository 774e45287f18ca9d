import { checkBpf, libbpf } from '../libbpf.js';
import { check, libc } from '../libc.js';
import { struct } from '../struct.js';

const CLOCK_MONOTONIC_COARSE = 6;
const SC_PAGESIZE = 30;

let tickHz: number | undefined;
let cpus: number | undefined;

/**
 * CONFIG_HZ of the running kernel (100, 250, 300, 1000): the unit of bpf_jiffies64. The coarse
 * clock ticks once a jiffy, so its resolution is 1/HZ.
 */
export function clockTickHz(): number {
  if (tickHz === undefined) {
    const timespec = struct(16);
    check('clock_getres', libc.clock_getres(CLOCK_MONOTONIC_COARSE, timespec.bytes));
    tickHz = Math.round(1e9 / Number(timespec.getU64(8)));
  }
  return tickHz;
}

/** Bytes of a memory page: 4096, but 16 or 64 KiB on some arm64 kernels. */
export function pageSize(): number {
  return check('sysconf', libc.sysconf(SC_PAGESIZE));
}

/** CPUs the kernel can ever have: the number of slots of a per-CPU map's value. */
export function possibleCpus(): number {
  cpus ??= checkBpf('libbpf_num_possible_cpus', libbpf().libbpf_num_possible_cpus());
  return cpus;
}
