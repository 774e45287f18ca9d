import { ffi } from './ffi/seam.js';
import { libbpf } from './libbpf.js';
import { readCString } from './libc.js';

/**
 * Loads libbpf and asks it for its version: `1.1`, without the patch level (LIBBPF_VERSION of its
 * headers).
 * @throws DpctlError LIBRARY_MISSING, or what ffiBackend throws
 */
export function libbpfVersion(): string {
  return readCString(libbpf().libbpf_version_string()).replace(/^v/, '');
}

/**
 * Name of the FFI backend of this process.
 * @throws DpctlError FFI_UNKNOWN (exit 1), FFI_MISSING or PLATFORM (exit 2)
 */
export function ffiBackend(): string {
  return ffi().name;
}
