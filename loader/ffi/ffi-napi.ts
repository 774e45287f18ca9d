import { nativeRequire } from './native-require.js';
import type {
  ArgType,
  ArgValue,
  Ffi,
  NativeFunction,
  Pointer,
  ResultType,
  ResultValue,
} from './seam.js';

// Pointers travel as integers of the same width: ref-napi would make an external buffer of each,
// at milliseconds apiece.
const ARG = { int: 'int', uint: 'uint', u64: 'uint64', ptr: 'uint64' } as const satisfies Record<
  ArgType,
  string
>;
const RESULT = {
  void: 'void',
  int: 'int',
  uint: 'uint',
  i64: 'int64',
  ptr: 'uint64',
  bool: 'bool',
} as const satisfies Record<ResultType, string>;

type RawValue = number | string;
interface RawFunction {
  (...args: RawValue[]): RawValue | boolean | null;
  async(...args: unknown[]): void;
}
/** The part of ffi-napi's API that is used here. */
interface FfiNapi {
  DynamicLibrary(path: string): { get(symbol: string): Buffer };
  ForeignFunction(pointer: Buffer, result: string, args: string[]): RawFunction;
  Callback(result: string, args: string[], fn: (...args: RawValue[]) => RawValue): Buffer;
  errno(): number;
}
/** The part of ref-napi's API that is used here. */
interface RefNapi {
  address(buffer: Buffer): number;
  readPointer(buffer: Buffer, offset: number, length: number): Buffer;
}

/** The ffi-napi/ref-napi backend: compiled at install, about 12 us a call. */
export function openFfiNapi(): Ffi {
  const ffi: FfiNapi = nativeRequire('ffi-napi');
  const ref: RefNapi = nativeRequire('ref-napi');

  const addressNumber = (buffer: Uint8Array): number =>
    ref.address(Buffer.from(buffer.buffer, buffer.byteOffset, buffer.byteLength));
  const addressOf = (buffer: Uint8Array): Pointer => BigInt(addressNumber(buffer)) as Pointer;
  const toRaw = (arg: ArgValue): RawValue => {
    if (arg === null) return 0;
    if (typeof arg === 'number') return arg;
    // User-space addresses fit a number's 53 bits; ref-napi wants anything past them in decimal.
    if (typeof arg === 'bigint') return arg <= Number.MAX_SAFE_INTEGER ? Number(arg) : `${arg}`;
    return addressNumber(arg);
  };

  const wrap = (raw: RawFunction, result: ResultType): NativeFunction => {
    const convert = converter(result);
    const call = (...args: ArgValue[]) => {
      const value = convert(raw(...args.map(toRaw)));
      keepAlive(args);
      return value;
    };
    const later = (...args: ArgValue[]) =>
      new Promise<ResultValue>((resolve, reject) => {
        raw.async(...args.map(toRaw), (error: unknown, value: RawValue) => {
          keepAlive(args);
          if (error) reject(error);
          else resolve(convert(value));
        });
      });
    return Object.assign(call, { later });
  };

  return {
    name: 'ffi-napi',
    open(path) {
      const library = ffi.DynamicLibrary(path);
      return (name, [result, args]) =>
        wrap(
          ffi.ForeignFunction(
            library.get(name),
            RESULT[result],
            args.map((type) => ARG[type]),
          ),
          result,
        );
    },
    errno: () => ffi.errno(),
    addressOf,
    view(pointer, length) {
      const holder = Buffer.alloc(8);
      holder.writeBigUInt64LE(pointer);
      return ref.readPointer(holder, 0, length);
    },
    callback([result, args], fn) {
      const code = ffi.Callback(
        RESULT[result],
        args.map((type) => ARG[type]),
        (...raw) =>
          fn(...raw.map((arg, i) => (args[i] === 'ptr' ? (BigInt(arg) as Pointer) : Number(arg)))),
      );
      // ffi-napi frees the code when its Buffer is collected, so the Buffer lives in this closure.
      return { pointer: addressOf(code), release: () => keepAlive([code]) };
    },
  };
}

function converter(result: ResultType): (value: RawValue | boolean | null) => ResultValue {
  if (result === 'ptr') return (value) => BigInt(value ?? 0) as Pointer;
  if (result === 'bool') return (value) => Boolean(value);
  if (result === 'void') return () => undefined;
  return (value) => Number(value);
}

/**
 * Names the arguments after a call: what the bytecode still uses, the collector leaves alone, and
 * only addresses have gone into the call itself.
 */
function keepAlive(_args: readonly unknown[]): void {}
