import { ffi, type Pointer } from '../ffi/seam.js';
import { libbpf } from '../libbpf.js';
import { copyFrom, libc } from '../libc.js';

const LIBBPF_DEBUG = 2;
/** sizeof(va_list): 24 bytes on x86-64, 32 on arm64. Reading 8 more from the stack does no harm. */
const VA_LIST_SIZE = 32;

/**
 * Run `fn` and collect what libbpf would print meanwhile, verifier logs included: a return code
 * alone rarely says what is wrong.
 * @returns the result and the text, warnings and infos only
 */
export function captureLog<T>(fn: () => T): { result: T; log: string } {
  const lines: string[] = [];
  const callback = ffi().callback(['int', ['int', 'ptr', 'ptr']], (level, format, list) => {
    if (level !== LIBBPF_DEBUG) lines.push(formatMessage(format as Pointer, list as Pointer));
    return 0;
  });
  const before = libbpf().libbpf_set_print(callback.pointer);
  try {
    const result = fn();
    return { result, log: lines.join('') };
  } finally {
    libbpf().libbpf_set_print(before);
    callback.release();
  }
}

/** What vprintf would print. A va_list is used up by one pass, so each pass gets a copy. */
function formatMessage(format: Pointer, list: Pointer): string {
  const length = libc.vsnprintf(null, 0, format, copyFrom(list, VA_LIST_SIZE));
  if (length < 0) return '';
  const text = new Uint8Array(length + 1);
  libc.vsnprintf(text, text.byteLength, format, copyFrom(list, VA_LIST_SIZE));
  return Buffer.from(text.buffer, 0, length).toString('utf8');
}
