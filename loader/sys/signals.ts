import { kernelError } from '../errors.js';
import { libc } from '../libc.js';

const SIG_SETMASK = 2;
/** sizeof(sigset_t) of glibc. */
const SIGSET_BYTES = 128;

/**
 * Run a section that signals do not interrupt: other threads get those of the process, and this thread's
 * wait. pthread_sigmask(3).
 *
 * The verifier fails with EAGAIN if a signal is pending (do_check in kernel/bpf/verifier.c). libbpf retries
 * five times; if one of its own probes fails that way, it considers the feature missing for the rest of the
 * process.
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
