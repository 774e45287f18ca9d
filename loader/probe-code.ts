/** Programs of a few instructions, which probes ask the kernel to load or run. */
import { closeSync } from 'node:fs';
import { ERRNO, kernelError } from './errors.js';
import { checkBpf, libbpf } from './libbpf.js';
import { cString } from './libc.js';
import { PROG_TYPE } from './program.js';
import { options } from './struct.js';
import { withoutSignals } from './sys/signals.js';
import { testRun } from './testrun.js';

/** One instruction (struct bpf_insn): operation, registers, offset, immediate value. */
function instruction(code: number, registers: number, offset: number, immediate: number): number[] {
  const bytes = new Uint8Array(8);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, code);
  view.setUint8(1, registers);
  view.setInt16(2, offset, true);
  view.setInt32(4, immediate | 0, true);
  return [...bytes];
}

/** `r0 = 0`, and the end. */
export const ZERO = instruction(0xb7, 0, 0, 0);
export const RETURN = instruction(0x95, 0, 0, 0);

/** A call of a helper (enum bpf_func_id). */
export const callHelper = (helper: number): number[] => instruction(0x85, 0, 0, helper);

/** A call of a function of the kernel's own (BPF_PSEUDO_KFUNC_CALL) by its number in the kernel's BTF. */
const callKernel = (btfId: number): number[] => instruction(0x85, 0x20, 0, btfId);

const set = (register: number, value: number): number[] => instruction(0xb7, register, 0, value);

/** Load 64 bits, the upper half zero, into a register; two instructions long. */
const setWide = (register: number, value: number): number[] => [
  ...instruction(0x18, register, 0, value),
  ...instruction(0, 0, 0, 0),
];

const PROG_LOAD_OPTS_SIZE = 104;

/**
 * Offer a program to the kernel.
 * @returns a descriptor, or a negative errno with the verifier's words in `log`
 */
export function loadInstructions(
  type: number,
  instructions: readonly number[][],
  log: Uint8Array,
): number {
  const opts = options(PROG_LOAD_OPTS_SIZE).u32(88, 1).u32(92, log.byteLength).pointer(96, log);
  const code = new Uint8Array(instructions.flat());
  return withoutSignals(() =>
    libbpf().bpf_prog_load(
      type,
      cString('probe'),
      cString('GPL'),
      code,
      code.byteLength / 8,
      opts.bytes,
    ),
  );
}

const HELPER = { setTunnelKey: 21, adjustRoom: 50, fibLookup: 69 } as const;
const EINVAL = 22;

/** Flags of bpf_skb_adjust_room that not every kernel supports. */
export const ADJUST_ROOM = { decapL3: (1 << 7) | (1 << 8), decapL4Udp: 1 << 10 } as const;
const ADJUST_ROOM_MAC = 1;
const ADJUST_ROOM_DECAP_L3_IPV4 = 1 << 7;
/** Bytes of VXLAN's outer headers on IPv4. */
const OUTER = 50;

/** A flag of bpf_fib_lookup that not every kernel supports (BPF_FIB_LOOKUP_SKIP_NEIGH). */
export const FIB_SKIP_NEIGH = 1 << 2;
const FIB_PARAMS_SIZE = 64;

/** Whether bpf_skb_adjust_room accepts these flags when it shrinks an IPv4 packet. */
export function adjustRoomTakes(flags: number): boolean {
  // Both families at once contradict each other: one stands for the two.
  const asked = flags === ADJUST_ROOM.decapL3 ? ADJUST_ROOM_DECAP_L3_IPV4 : flags;
  return takes([
    set(2, -OUTER),
    set(3, ADJUST_ROOM_MAC),
    setWide(4, asked),
    callHelper(HELPER.adjustRoom),
    RETURN,
  ]);
}

/** Bytes of struct bpf_tunnel_key with the local address at its end. */
const TUNNEL_KEY_SIZE = 44;

/**
 * Whether the kernel knows a struct bpf_tunnel_key of this size: the whole of it has the address that
 * a tunnel's packet was sent to.
 */
export function tunnelKeyTakes(size = TUNNEL_KEY_SIZE): boolean {
  // The helper that tells needs a packet out of a tunnel; the one that asks knows the same structure.
  return takes([
    ...zeros(48),
    ...stackPointer(48),
    set(3, size),
    set(4, 0),
    callHelper(HELPER.setTunnelKey),
    RETURN,
  ]);
}

/** So many bytes of zeros at the end of the stack. */
function zeros(size: number): number[][] {
  return Array.from({ length: size / 8 }, (_, i) => instruction(0x7a, 10, -8 * (i + 1), 0));
}

/** r2 = where they begin. */
function stackPointer(size: number): number[][] {
  return [instruction(0xbf, (10 << 4) | 2, 0, 0), instruction(0x07, 2, 0, -size)];
}

/** Whether bpf_fib_lookup accepts these flags: it checks them before its other arguments. */
export function fibLookupTakes(flags: number): boolean {
  return takes([
    ...zeros(FIB_PARAMS_SIZE),
    ...stackPointer(FIB_PARAMS_SIZE),
    set(3, FIB_PARAMS_SIZE),
    set(4, flags),
    callHelper(HELPER.fibLookup),
    RETURN,
  ]);
}

/** Run the program on a sufficiently long IPv4 packet: is the result other than EINVAL? */
function takes(instructions: readonly number[][]): boolean {
  const log = new Uint8Array(4096);
  const fd = checkBpf('bpf_prog_load', loadInstructions(PROG_TYPE.schedCls, instructions, log));
  try {
    return testRun(fd, { data: ip4Packet(256) }).retval !== -EINVAL;
  } finally {
    closeSync(fd);
  }
}

function ip4Packet(bytes: number): Uint8Array {
  const packet = new Uint8Array(bytes);
  const view = new DataView(packet.buffer);
  view.setUint16(12, 0x0800);
  view.setUint8(14, 0x45);
  view.setUint16(16, bytes - 14);
  view.setUint8(23, 17);
  return packet;
}

/** Whether TC programs may call a function of the kernel that takes their context. */
export function mayCallKernel(name: string): boolean {
  const btfId = libbpf().libbpf_find_vmlinux_btf_id(cString(name), 0);
  if (btfId < 0) {
    refuseMachine('libbpf_find_vmlinux_btf_id', btfId);
    return false;
  }
  const code = [callKernel(btfId), ZERO, RETURN];
  const fd = loadInstructions(PROG_TYPE.schedCls, code, new Uint8Array(4096));
  if (fd < 0) {
    refuseMachine('bpf_prog_load', fd);
    return false;
  }
  closeSync(fd);
  return true;
}

/** An errno about a temporary condition, not about the kernel, is no answer. */
function refuseMachine(call: string, result: number): void {
  const { EMFILE, ENFILE, ENOMEM, EINTR, EAGAIN } = ERRNO;
  if ([EMFILE, ENFILE, ENOMEM, EINTR, EAGAIN].includes(-result)) throw kernelError(call, -result);
}
