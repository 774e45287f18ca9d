import { ffi, type NativeCallback, type Pointer } from '../ffi/seam.js';
import { libbpf } from '../libbpf.js';
import { copyFrom, libc } from '../libc.js';

const LIBBPF_DEBUG = 2;
/** sizeof(va_list): 24 bytes on x86-64, 32 on arm64. Reading 8 more from the stack does no harm. */
const VA_LIST_SIZE = 32;

/** Where messages currently go. */
let sink: string[] | undefined;
let printer: NativeCallback | undefined;

/** One callback for the life of the process: those that are registered are few, and none is lost. */
function printerPointer(): Pointer {
  printer ??= ffi().callback(['int', ['int', 'ptr', 'ptr']], (level, format, list) => {
    if (level !== LIBBPF_DEBUG) sink?.push(formatMessage(format as Pointer, list as Pointer));
    return 0;
  });
  return printer.pointer;
}

/**
 * Run `fn` and collect what libbpf would print meanwhile, verifier logs included: a return code
 * alone rarely says what is wrong.
 * @returns the result and the text, warnings and infos only
 */
export function captureLog<T>(fn: () => T): { result: T; log: string } {
  const lines: string[] = [];
  const outer = sink;
  const before = libbpf().libbpf_set_print(printerPointer());
  sink = lines;
  try {
    const result = fn();
    return { result, log: lines.join('') };
  } finally {
    sink = outer;
    libbpf().libbpf_set_print(before);
  }
}

/** The output of vprintf. One pass consumes a va_list, so each pass gets a copy. */
function formatMessage(format: Pointer, list: Pointer): string {
  const length = libc.vsnprintf(null, 0, format, copyFrom(list, VA_LIST_SIZE));
  if (length < 0) return '';
  const text = new Uint8Array(length + 1);
  libc.vsnprintf(text, text.byteLength, format, copyFrom(list, VA_LIST_SIZE));
  return Buffer.from(text.buffer, 0, length).toString('utf8');
}
