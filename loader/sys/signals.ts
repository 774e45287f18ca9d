import { kernelError } from '../errors.js';
import { libc } from '../libc.js';

const SIG_SETMASK = 2;
/** sizeof(sigset_t) of glibc. */
const SIGSET_BYTES = 128;

/**
 * Run a section that signals do not interrupt: those to the process go to its other threads, those
 * to this thread wait. pthread_sigmask(3).
 *
 * The verifier gives up with EAGAIN when a signal is pending (do_check in kernel/bpf/verifier.c).
 * libbpf tries again five times, and takes what a probe of its own got that way for a missing feature
 * of the kernel, for the rest of the process.
 */
export function withoutSignals<T>(section: () => T): T {
  const before = new Uint8Array(SIGSET_BYTES);
  setMask(new Uint8Array(SIGSET_BYTES).fill(0xff), before);
  try {
    return section();
  } finally {
    setMask(before, null);
  }
}

function setMask(mask: Uint8Array, before: Uint8Array | null): void {
  const errno = libc.pthread_sigmask(SIG_SETMASK, mask, before);
  if (errno !== 0) throw kernelError('pthread_sigmask', errno);
}
