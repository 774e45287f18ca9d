/**
 * Versions and errors of the protocol.
 *
 * Source: CNI specification 1.1.0, sections 2 (execution protocol) and 5 (result types).
 */
import { DpctlError } from '../../../loader/errors.js';
import { failureOf } from '../../api/failure.js';
import { hintText } from '../../model/hint.js';

/** All versions that the plugin speaks, oldest first. */
export const VERSIONS = ['0.3.1', '0.4.0', '1.0.0', '1.1.0'] as const;
export type Version = (typeof VERSIONS)[number];
/** The version of an answer to a call that names none. */
export const NEWEST: Version = '1.1.0';

/** Codes of the specification, and our own from 100. */
export const CODE = {
  INCOMPATIBLE_VERSION: 1,
  UNSUPPORTED_FIELD: 2,
  BAD_ENVIRONMENT: 4,
  IO_FAILURE: 5,
  BAD_JSON: 6,
  BAD_CONFIG: 7,
  TRY_AGAIN: 11,
  /** STATUS: ADD requests cannot be served. */
  NOT_AVAILABLE: 50,
  /** dpctl refused: `details` has its error code. */
  REFUSED: 100,
  /** CHECK found a difference. */
  NOT_AS_ADDED: 101,
  /** The interface exists and is not this attachment's. */
  INTERFACE_EXISTS: 102,
  /** A delegated plugin failed without an error object. */
  DELEGATE: 103,
  /** A bug in dpctl. */
  INTERNAL: 199,
} as const;

/** An error object, without the version. */
export interface CniFailure {
  readonly code: number;
  readonly msg: string;
  readonly details?: string;
}

/** @returns an error that {@link cniFailureOf} turns into this error object */
export function cniError(code: number, msg: string, details = ''): DpctlError {
  const failure: CniFailure = { code, msg, ...(details === '' ? {} : { details }) };
  return new DpctlError('CNI', msg, { exitCode: 1, details: { cni: failure } });
}

/** The error object for any error. An agent or store that is unavailable: try again later. */
export function cniFailureOf(error: unknown): CniFailure {
  if (error instanceof DpctlError && error.code === 'CNI') return error.details.cni as CniFailure;
  const { code, msg, hint, exitCode } = failureOf(error);
  const advice = hintText(hint);
  const details = advice === '' ? code : `${code}; try: ${advice}`;
  const number = exitCode === 5 ? CODE.TRY_AGAIN : exitCode === 70 ? CODE.INTERNAL : CODE.REFUSED;
  return { code: number, msg, details };
}

/** Whether a configuration's version is one of ours. */
export function isVersion(text: unknown): text is Version {
  return VERSIONS.some((version) => version === text);
}

/** Whether `version` is `other` or later. */
export function atLeast(version: Version, other: Version): boolean {
  return VERSIONS.indexOf(version) >= VERSIONS.indexOf(other);
}
