import { kernelError } from './errors.js';
import { lazyLibrary } from './ffi/library.js';
import { ffi, type Pointer } from './ffi/seam.js';

/** The C library: only what node:fs cannot do. */
export const libc = lazyLibrary(
  'the C library',
  () => 'libc.so.6',
  {
    setns: ['int', ['int', 'int']],
    unshare: ['int', ['int']],
    socket: ['int', ['int', 'int', 'int']],
    send: ['i64', ['int', 'ptr', 'u64', 'int']],
    recvfrom: ['i64', ['int', 'ptr', 'u64', 'int', 'ptr', 'ptr']],
    connect: ['int', ['int', 'ptr', 'uint']],
    poll: ['int', ['ptr', 'u64', 'int']],
    setsockopt: ['int', ['int', 'int', 'int', 'ptr', 'uint']],
    getsockopt: ['int', ['int', 'int', 'int', 'ptr', 'ptr']],
    ioctl: ['int', ['int', 'u64', 'ptr']],
    flock: ['int', ['int', 'int']],
    mount: ['int', ['ptr', 'ptr', 'ptr', 'u64', 'ptr']],
    umount2: ['int', ['ptr', 'int']],
    sysconf: ['i64', ['int']],
    clock_getres: ['int', ['int', 'ptr']],
    mmap: ['ptr', ['ptr', 'u64', 'int', 'int', 'int', 'u64']],
    munmap: ['int', ['ptr', 'u64']],
    epoll_create1: ['int', ['int']],
    epoll_ctl: ['int', ['int', 'int', 'int', 'ptr']],
    epoll_wait: ['int', ['int', 'ptr', 'int', 'int']],
    eventfd: ['int', ['uint', 'int']],
    pthread_sigmask: ['int', ['int', 'ptr', 'ptr']],
    // Variadic in C; integers travel the same way on x86-64 and arm64.
    syscall: ['i64', ['u64', 'u64', 'ptr', 'u64']],
    memcpy: ['ptr', ['ptr', 'ptr', 'u64']],
    strnlen: ['i64', ['ptr', 'u64']],
    vsnprintf: ['int', ['ptr', 'u64', 'ptr', 'ptr']],
  },
  'dpctl needs glibc 2.31 or later',
);

/** errno as the call before this one left it. */
export function lastErrno(): number {
  return ffi().errno();
}

/**
 * The result of a libc call, or an error carrying errno.
 * @param call names the call and its object in the message
 * @param result what the call returned; negative means errno is set
 */
export function check(call: string, result: number): number {
  if (result < 0) throw kernelError(call, lastErrno());
  return result;
}

/** A NUL-terminated UTF-8 string for a `const char *` argument. */
export function cString(text: string): Uint8Array {
  return Buffer.from(`${text}\0`);
}

/** A copy of `length` bytes at an address. */
export function copyFrom(pointer: Pointer, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  if (length > 0) libc.memcpy(bytes, pointer, length);
  return bytes;
}

/** The string at an address, at most 64 KB of it; empty for the null pointer. */
export function readCString(pointer: Pointer): string {
  if (pointer === 0n) return '';
  const length = libc.strnlen(pointer, 65536);
  return Buffer.from(copyFrom(pointer, length)).toString('utf8');
}

/** The text of a fixed-size `char[]` field, up to its first NUL. */
export function fixedString(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return Buffer.from(end < 0 ? bytes : bytes.subarray(0, end)).toString('utf8');
}
