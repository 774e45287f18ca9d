import type { KoffiFunc, TypeObject } from 'koffi';
import { nativeRequire } from './native-require.js';
import type {
  ArgType,
  ArgValue,
  Ffi,
  NativeFunction,
  Pointer,
  ResultType,
  ResultValue,
  Signature,
} from './seam.js';

const ARG = { int: 'int', uint: 'uint', u64: 'uint64', ptr: 'void *' } as const satisfies Record<
  ArgType,
  string
>;
// A pointer is asked for as a number: koffi would otherwise turn 0 into null.
const RESULT = {
  void: 'void',
  int: 'int',
  uint: 'uint',
  i64: 'int64',
  ptr: 'uintptr_t',
  bool: 'bool',
} as const satisfies Record<ResultType, string>;

type RawFunction = KoffiFunc<(...args: ArgValue[]) => ResultValue | number | bigint>;

/** The koffi backend: prebuilt, about 0.04 us a call. */
export function openKoffi(): Ffi {
  const koffi: typeof import('koffi') = nativeRequire('koffi');
  // koffi keeps each type for the life of the process, so there is one for all callbacks of a kind.
  const types = new Map<string, TypeObject>();
  const callbackType = ([result, args]: Signature): TypeObject => {
    const key = `${result}(${args.join()})`;
    const known = types.get(key);
    if (known !== undefined) return known;
    const words = args.map((arg) => (arg === 'ptr' ? 'uintptr_t' : ARG[arg]));
    const type = koffi.pointer(koffi.proto(RESULT[result], words));
    types.set(key, type);
    return type;
  };
  return {
    name: 'koffi',
    open(path) {
      const library = koffi.load(path);
      return (name, signature) => {
        const raw = library.func(
          name,
          RESULT[signature[0]],
          signature[1].map((type) => ARG[type]),
        ) as RawFunction;
        return wrap(raw, signature[0]);
      };
    },
    errno: () => koffi.errno(),
    addressOf: (buffer) => koffi.address(buffer) as Pointer,
    view: (pointer, length) => new Uint8Array(koffi.view(pointer, length)),
    callback(signature, fn) {
      const type = callbackType(signature);
      const pointers = signature[1].map((arg) => arg === 'ptr');
      const pointer = koffi.register(
        (...args: (number | bigint)[]) =>
          fn(...args.map((arg, i) => (pointers[i] ? (BigInt(arg) as Pointer) : Number(arg)))),
        type,
      ) as Pointer;
      return { pointer, release: () => koffi.unregister(pointer) };
    },
  };
}

function wrap(raw: RawFunction, result: ResultType): NativeFunction {
  const convert = converter(result);
  // Map calls run a million times: no wrapper where the raw result is already right.
  const call = convert ? (...args: ArgValue[]) => convert(raw(...args)) : raw.bind(undefined);
  return Object.assign(call as (...args: ArgValue[]) => ResultValue, {
    later: (...args: ArgValue[]) =>
      new Promise<ResultValue>((resolve, reject) => {
        raw.async(...args, (error: unknown, value: ResultValue | number | bigint) => {
          // The arguments are named here so that their buffers outlive the call.
          if (error || !args) reject(error);
          else resolve(convert ? convert(value) : (value as ResultValue));
        });
      }),
  });
}

function converter(
  result: ResultType,
): ((value: ResultValue | number | bigint) => ResultValue) | undefined {
  if (result === 'ptr') return (value) => BigInt(value as number | bigint) as Pointer;
  if (result === 'i64') return (value) => Number(value);
  return undefined;
}
