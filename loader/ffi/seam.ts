import { DpctlError } from '../errors.js';
import { openFfiNapi } from './ffi-napi.js';
import { openKoffi } from './koffi.js';
import { throwShortage } from './shortage.js';

/** An address in this process. Never leaves loader/. */
export type Pointer = bigint & { readonly brand: unique symbol };

/** The null pointer. */
export const NULL = 0n as Pointer;

/** C types an argument may have. `ptr` takes a buffer (kept alive during the call) or an address. */
export type ArgType = 'int' | 'uint' | 'u64' | 'ptr';
/** C types a result may have; `i64` for ssize_t and long. */
export type ResultType = 'void' | 'int' | 'uint' | 'i64' | 'ptr' | 'bool';

type ArgValues = {
  int: number;
  uint: number;
  u64: number | bigint;
  ptr: Uint8Array | Pointer | null;
};
type ResultValues = {
  void: undefined;
  int: number;
  uint: number;
  i64: number;
  ptr: Pointer;
  bool: boolean;
};

/** A value for an argument of any type. */
export type ArgValue = ArgValues[ArgType];
/** A result of any type. */
export type ResultValue = ResultValues[ResultType];
/** A C function's result and arguments. */
export type Signature = readonly [ResultType, readonly ArgType[]];
/** The JavaScript values for a list of argument types. */
export type ArgsOf<A extends readonly ArgType[]> = { -readonly [K in keyof A]: ArgValues[A[K]] };
/** The JavaScript function of a {@link Signature}. */
export type Bound<S extends Signature> = (...args: ArgsOf<S[1]>) => ResultValues[S[0]];
/** The functions of a table of signatures. */
export type BoundAll<T extends Record<string, Signature>> = {
  readonly [K in keyof T]: Bound<T[K]>;
};

/** A C function bound to its library; what a backend returns, before it gets its types. */
export interface NativeFunction {
  (...args: ArgValue[]): ResultValue;
  /** The same call on a thread of libuv's pool; buffers are kept alive until it returns. */
  later(...args: ArgValue[]): Promise<ResultValue>;
}

/** A C function pointer that calls back into JavaScript, valid until released. */
export interface NativeCallback {
  readonly pointer: Pointer;
  release(): void;
}

/** All functions that the loader needs of an FFI library. */
export interface Ffi {
  readonly name: 'koffi' | 'ffi-napi';
  /** dlopen; throws the dynamic linker's own error. The result binds a function by name. */
  open(path: string): (name: string, signature: Signature) => NativeFunction;
  /** errno as the last call on this thread left it. Read it before anything else. */
  errno(): number;
  /** The address of a buffer's first byte. The buffer must stay referenced while it is in use. */
  addressOf(buffer: Uint8Array): Pointer;
  /** `length` bytes at an address as they are, not a copy; dangling once the memory is freed. */
  view(pointer: Pointer, length: number): Uint8Array;
  /** A C function pointer for `fn`, which must not throw. Pointers arrive as addresses. */
  callback(signature: Signature, fn: (...args: (number | Pointer)[]) => number): NativeCallback;
}

let current: Ffi | undefined;

/**
 * The FFI backend of this process: koffi, or what DPCTL_FFI names. Loaded at the first call, since
 * commands that need no native code should not pay for it.
 * @throws DpctlError FFI_UNKNOWN (exit 1), FFI_MISSING or PLATFORM (exit 2)
 */
export function ffi(): Ffi {
  current ??= selectBackend(process.env.DPCTL_FFI || 'koffi');
  return current;
}

function selectBackend(name: string): Ffi {
  // Struct layouts here are those of 64-bit little-endian Linux.
  if (process.platform !== 'linux' || !['x64', 'arm64'].includes(process.arch)) {
    throw new DpctlError(
      'PLATFORM',
      `dpctl needs Linux on x86-64 or arm64, this is ${process.platform} on ${process.arch}`,
    );
  }
  if (name !== 'koffi' && name !== 'ffi-napi') {
    throw new DpctlError('FFI_UNKNOWN', `DPCTL_FFI=${name} is not an FFI backend`, {
      exitCode: 1,
      hint: 'set DPCTL_FFI to koffi (the default) or ffi-napi',
      details: { backend: name, known: ['koffi', 'ffi-napi'] },
    });
  }
  try {
    return name === 'koffi' ? openKoffi() : openFfiNapi();
  } catch (cause) {
    throwShortage(`load the FFI backend ${name}`, cause);
    const why = cause instanceof Error ? (cause.message.split('\n')[0] ?? '') : String(cause);
    throw new DpctlError('FFI_MISSING', `the FFI backend ${name} does not load: ${why}`, {
      cause,
      hint:
        name === 'koffi'
          ? 'run npm ci, or try DPCTL_FFI=ffi-napi'
          : 'run npm ci with build tools installed (it compiles), or unset DPCTL_FFI',
      details: { backend: name },
    });
  }
}
