import { ERRNO, errnoOfAny, isShortage, kernelError } from '../errors.js';

/** dlopen(3) reports its cause only as text, that of strerror(3). */
const TEXTS: Readonly<Record<string, string>> = {
  'Too many open files in system': 'ENFILE',
  'Too many open files': 'EMFILE',
  'Cannot allocate memory': 'ENOMEM',
  'cannot allocate memory': 'ENOMEM',
  'failed to map segment': 'ENOMEM',
  'Input/output error': 'EIO',
};

/**
 * Throw if a library does not load because descriptors or memory ran out, so that it is not reported
 * as missing.
 * @param call what was to be done, for the message
 */
export function throwShortage(call: string, cause: unknown): void {
  const said = cause instanceof Error ? cause.message : String(cause);
  const text = Object.keys(TEXTS).find((each) => said.includes(each));
  const name = isShortage(cause) ? errnoOfAny(cause) : text && TEXTS[text];
  const errno = name === undefined ? undefined : ERRNO[name];
  if (errno !== undefined) throw kernelError(call, errno, { cause });
}
