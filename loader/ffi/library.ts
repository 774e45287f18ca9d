import { DpctlError } from '../errors.js';
import { type BoundAll, ffi, type NativeFunction, type Signature } from './seam.js';
import { throwShortage } from './shortage.js';

/** The functions of a table of signatures, each with its asynchronous form. */
export type LibraryOf<T extends Record<string, Signature>> = BoundAll<T> & {
  /** The same call on a thread of libuv's pool. */
  later<K extends keyof T & string>(
    name: K,
    ...args: Parameters<BoundAll<T>[K]>
  ): Promise<ReturnType<BoundAll<T>[K]>>;
};

/**
 * The functions of a shared library. The library is opened at the first call and each function
 * bound at its own first call, so that an older library without one function still serves the rest.
 * @param what what the library is for, as the error text names it
 * @param path the file name, given to dlopen(3); read when first needed
 * @throws (at a call) DpctlError LIBRARY_MISSING or SYMBOL_MISSING, exit 2
 */
export function lazyLibrary<const T extends Record<string, Signature>>(
  what: string,
  path: () => string,
  signatures: T,
  hint: string,
): LibraryOf<T> {
  let open: ((name: string, signature: Signature) => NativeFunction) | undefined;
  const target: Record<string, unknown> = {};

  const bind = (name: string): NativeFunction => {
    const signature = signatures[name];
    if (!signature) throw new TypeError(`${name} is not in the table of ${what}`);
    try {
      open ??= ffi().open(path());
    } catch (cause) {
      if (cause instanceof DpctlError) throw cause;
      throwShortage(`load ${path()}`, cause);
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new DpctlError('LIBRARY_MISSING', `${what} (${path()}) does not load: ${why}`, {
        cause,
        hint,
        details: { library: path() },
      });
    }
    try {
      return open(name, signature);
    } catch (cause) {
      throw new DpctlError('SYMBOL_MISSING', `${what} (${path()}) has no function ${name}`, {
        cause,
        hint,
        details: { library: path(), symbol: name },
      });
    }
  };

  for (const name of Object.keys(signatures)) {
    Object.defineProperty(target, name, {
      configurable: true,
      get() {
        const bound = bind(name);
        Object.defineProperty(target, name, { value: bound });
        return bound;
      },
    });
  }
  target.later = (name: string, ...args: Parameters<NativeFunction>) =>
    (target[name] as NativeFunction).later(...args);
  return target as LibraryOf<T>;
}
