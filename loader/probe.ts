import { closeSync, statSync } from 'node:fs';
import { DpctlError, ERRNO, errnoOf, kernelError } from './errors.js';
import { checkBpf, libbpf } from './libbpf.js';
import { fixedString } from './libc.js';
import { queryTcx } from './link/query.js';
import { closeMap, MAP_TYPE, mapCreate } from './map/info.js';
import {
  ADJUST_ROOM,
  adjustRoomTakes,
  callHelper,
  FIB_SKIP_NEIGH,
  fibLookupTakes,
  loadInstructions,
  mayCallKernel,
  RETURN,
  tunnelKeyTakes,
  ZERO,
} from './probe-code.js';
import { PROG_TYPE, programInfo } from './program.js';
import { struct } from './struct.js';

/** Helper numbers (enum bpf_func_id in linux/bpf.h) that the project probes. */
const HELPER = { redirectNeigh: 152, redirectPeer: 155, timerInit: 169, loop: 181 } as const;
const LOOPBACK_IFINDEX = 1;

/** The meaning of each feature, and the probe that tries it. */
const PROBES = {
  /** tcx links (Linux 6.6). */
  tcx: probeTcx,
  /** Batch operations on hash maps (5.6). */
  batch: probeBatch,
  /** BPF ring buffer (5.8). */
  ringbuf: () => probeMapType(MAP_TYPE.ringbuf),
  /** bpf_loop in TC programs (5.17). */
  bpf_loop: () => probeHelper(PROG_TYPE.schedCls, HELPER.loop),
  /** bpf_timer in TC programs (5.15). */
  bpf_timer: () => probeHelper(PROG_TYPE.schedCls, HELPER.timerInit),
  /** bpf_redirect_peer in TC programs (5.10). */
  redirect_peer: () => probeHelper(PROG_TYPE.schedCls, HELPER.redirectPeer),
  /** bpf_redirect_neigh in TC programs (5.10). */
  redirect_neigh: () => probeHelper(PROG_TYPE.schedCls, HELPER.redirectNeigh),
  /** Programs are compiled to machine code (net.core.bpf_jit_enable). */
  jit: probeJit,
  /** bpf_skb_adjust_room can tell which family is left when it shrinks (6.3). */
  adjust_room_decap_l3: () => adjustRoomTakes(ADJUST_ROOM.decapL3),
  /** bpf_skb_adjust_room can clear the UDP tunnel mark of segments. */
  adjust_room_decap_l4_udp: () => adjustRoomTakes(ADJUST_ROOM.decapL4Udp),
  /** bpf_fib_lookup can leave out the neighbour (6.3). */
  fib_skip_neigh: () => fibLookupTakes(FIB_SKIP_NEIGH),
  /** bpf_skb_get_tunnel_key returns the destination address of a packet (6.0). */
  tunnel_key_local: () => tunnelKeyTakes(),
  /** TC programs can read the kernel's own types (bpf_rdonly_cast; 6.2). */
  kernel_types: () => mayCallKernel('bpf_cast_to_kern_ctx'),
  /** The kernel describes its own types (CONFIG_DEBUG_INFO_BTF). */
  btf: () => statSync('/sys/kernel/btf/vmlinux', { throwIfNoEntry: false }) !== undefined,
} as const satisfies Record<string, () => boolean>;

/** A kernel feature that can be asked for. */
export type Feature = keyof typeof PROBES;
/** All of them. */
export const FEATURES = Object.keys(PROBES) as readonly Feature[];

/** Features outside BPF: other modules probe them, DPCTL_PROBE_DISABLE may name them. */
const OTHERS: readonly string[] = ['netkit'];

const known = new Map<string, boolean>();

function once(key: string, probe: () => boolean): boolean {
  const before = known.get(key);
  if (before !== undefined) return before;
  const found = probe();
  known.set(key, found);
  return found;
}

/**
 * Whether this kernel has a feature, found out by using it, once a process. Version numbers are
 * never compared: distributions carry features back. Features that DPCTL_PROBE_DISABLE names, with
 * commas between, are taken as missing: so a newer kernel can be made to look like an older one.
 * @throws DpctlError when bpf(2) cannot be used at all, see {@link bpfAvailable}
 */
export function hasFeature(feature: Feature): boolean {
  requireBpf();
  return !disabledFeatures().includes(feature) && once(feature, PROBES[feature]);
}

/**
 * The features that DPCTL_PROBE_DISABLE names.
 * @throws DpctlError PROBE_UNKNOWN, exit 1, for an unknown feature, which would otherwise be
 *   ignored silently
 */
export function disabledFeatures(): readonly string[] {
  const names = process.env.DPCTL_PROBE_DISABLE?.split(',').filter((name) => name !== '') ?? [];
  const unknown = names.find((name) => !Object.hasOwn(PROBES, name) && !OTHERS.includes(name));
  if (unknown === undefined) return names;
  throw new DpctlError(
    'PROBE_UNKNOWN',
    `DPCTL_PROBE_DISABLE names ${JSON.stringify(unknown)}, which is not a feature that dpctl probes`,
    {
      exitCode: 1,
      hint: `use some of these, separated by commas: ${[...FEATURES, ...OTHERS].join(',')}`,
      details: { feature: unknown, known: [...FEATURES, ...OTHERS] },
    },
  );
}

/** Every feature with its answer. */
export function allFeatures(): Readonly<Record<Feature, boolean>> {
  return Object.fromEntries(FEATURES.map((name) => [name, hasFeature(name)])) as Record<
    Feature,
    boolean
  >;
}

/** Whether the kernel loads programs of a BPF_PROG_TYPE_. */
export function probeProgType(type: number): boolean {
  requireBpf();
  return once(`program type ${type}`, () =>
    answer('libbpf_probe_bpf_prog_type', libbpf().libbpf_probe_bpf_prog_type(type, null)),
  );
}

/** Whether the kernel has maps of a BPF_MAP_TYPE_. */
export function probeMapType(type: number): boolean {
  requireBpf();
  return once(`map type ${type}`, () =>
    answer('libbpf_probe_bpf_map_type', libbpf().libbpf_probe_bpf_map_type(type, null)),
  );
}

/**
 * Whether programs of a type may call a helper (enum bpf_func_id). A program that calls it is
 * offered to the verifier; libbpf 1.1's own probe takes newer kernels' refusal for a yes.
 */
export function probeHelper(progType: number, helper: number): boolean {
  requireBpf();
  return once(`helper ${helper} in type ${progType}`, () => {
    const log = new Uint8Array(4096);
    const fd = loadInstructions(progType, [callHelper(helper), RETURN], log);
    if (fd >= 0) {
      closeSync(fd);
      return true;
    }
    // The verifier answers EINVAL or EACCES. Any other errno is no answer and must not be cached.
    if (-fd !== ERRNO.EINVAL && -fd !== ERRNO.EACCES) throw kernelError('bpf_prog_load', -fd);
    // Any other complaint is about the missing arguments: the helper itself is known.
    return !/(invalid|unknown) func|cannot use helper/.test(fixedString(log));
  });
}

function answer(call: string, result: number): boolean {
  return checkBpf(call, result) === 1;
}

let unavailable: DpctlError | 'usable' | undefined;

/**
 * Whether this process can use bpf(2) at all.
 * @returns undefined when it can, else the error to show: BPF_PERMISSION or BPF_MISSING, exit 2
 */
export function bpfAvailable(): DpctlError | undefined {
  unavailable ??= tryBpf() ?? 'usable';
  return unavailable === 'usable' ? undefined : unavailable;
}

function requireBpf(): void {
  const error = bpfAvailable();
  if (error) throw error;
}

function tryBpf(): DpctlError | undefined {
  try {
    closeMap(
      mapCreate({ type: MAP_TYPE.hash, name: 'probe', keySize: 4, valueSize: 4, maxEntries: 1 }),
    );
    return undefined;
  } catch (cause) {
    const errno = errnoOf(cause);
    if (errno === 'EPERM') {
      return new DpctlError('BPF_PERMISSION', 'this process may not use BPF: EPERM', {
        cause,
        hint: 'run as root, or with CAP_BPF, CAP_NET_ADMIN and CAP_SYS_ADMIN; in a container also allow bpf(2) in its seccomp profile',
      });
    }
    if (errno === 'ENOSYS' || errno === 'EINVAL') {
      return new DpctlError('BPF_MISSING', `this kernel has no usable bpf(2): ${errno}`, {
        cause,
        hint: 'use a kernel with CONFIG_BPF_SYSCALL',
      });
    }
    throw cause;
  }
}

function probeTcx(): boolean {
  try {
    queryTcx(LOOPBACK_IFINDEX, 'ingress');
    return true;
  } catch (error) {
    if (errnoOf(error) === 'EINVAL') return false;
    throw error;
  }
}

function probeBatch(): boolean {
  const map = mapCreate({
    type: MAP_TYPE.hash,
    name: 'probe',
    keySize: 4,
    valueSize: 4,
    maxEntries: 1,
  });
  try {
    const room = () => new Uint8Array(8);
    const count = struct(4).u32(0, 1);
    // An empty map answers ENOENT at once; a kernel without the command EINVAL.
    const result = libbpf().bpf_map_lookup_batch(
      map.fd,
      null,
      room(),
      room(),
      room(),
      count.bytes,
      null,
    );
    if (-result === ERRNO.ENOENT || result === 0) return true;
    if (-result === ERRNO.EINVAL) return false;
    throw kernelError('bpf_map_lookup_batch', -result);
  } finally {
    closeMap(map);
  }
}

function probeJit(): boolean {
  const log = new Uint8Array(4096);
  const fd = checkBpf(
    'bpf_prog_load',
    loadInstructions(PROG_TYPE.socketFilter, [ZERO, RETURN], log),
  );
  try {
    return programInfo(fd).jitedLength > 0;
  } finally {
    closeSync(fd);
  }
}
