import { ERRNO, kernelError } from './errors.js';
import { libbpf } from './libbpf.js';
import { options } from './struct.js';

/** What to run a program on. */
export interface TestRunInput {
  /** The packet, from its Ethernet header; at least 14 bytes for TC and XDP. */
  readonly data?: Uint8Array;
  /** The context: struct __sk_buff or xdp_md bytes; fields the kernel lets one set. */
  readonly ctx?: Uint8Array;
  /** Runs in a row, 1 if not set. The packet is not put back between them. */
  readonly repeat?: number;
  /** Room for the packet as the program leaves it; 512 bytes more than it had if not set. */
  readonly dataOutSize?: number;
  readonly cpu?: number;
  /** BPF_F_TEST_ bits. */
  readonly flags?: number;
}

/** What came of it. */
export interface TestRunResult {
  /** The program's return value, signed: TCX_NEXT is -1. */
  readonly retval: number;
  /** The packet as the program left it. */
  readonly data: Uint8Array;
  /** The context afterwards; empty when none was given. */
  readonly ctx: Uint8Array;
  /** Average time of a run in ns. */
  readonly durationNs: number;
}

const OPTS_SIZE = 80;
const EXTRA_ROOM = 512;

/**
 * Run a program without attaching it (BPF_PROG_TEST_RUN). TC programs run on the loopback device
 * of the current network namespace unless the context says otherwise. The kernel builds no GSO
 * packet here.
 * @throws DpctlError KERNEL_ENOSPC when the packet came out longer than dataOutSize (details.needed),
 * KERNEL_EINVAL for data too short or a context field that must be zero
 */
export function testRun(progFd: number, input: TestRunInput = {}): TestRunResult {
  const { data, ctx } = input;
  const opts = options(OPTS_SIZE)
    .u32(60, input.repeat ?? 1)
    .u32(68, input.flags ?? 0)
    .u32(72, input.cpu ?? 0);
  const dataOut = new Uint8Array(data ? (input.dataOutSize ?? data.byteLength + EXTRA_ROOM) : 0);
  const ctxOut = new Uint8Array(ctx?.byteLength ?? 0);
  if (data) {
    opts.pointer(8, data).u32(24, data.byteLength);
    if (dataOut.byteLength > 0) opts.pointer(16, dataOut).u32(28, dataOut.byteLength);
  }
  if (ctx) {
    opts.pointer(32, ctx).u32(48, ctx.byteLength);
    opts.pointer(40, ctxOut).u32(52, ctxOut.byteLength);
  }
  const result = libbpf().bpf_prog_test_run_opts(progFd, opts.bytes);
  if (result < 0) {
    const details = -result === ERRNO.ENOSPC ? { needed: opts.getU32(28) } : {};
    throw kernelError('bpf_prog_test_run', -result, { details });
  }
  return {
    retval: opts.getU32(56) | 0,
    data: dataOut.subarray(0, opts.getU32(28)),
    ctx: ctxOut.subarray(0, opts.getU32(52)),
    durationNs: opts.getU32(64),
  };
}
