/** Endpoints that failed while the rest of the command succeeded: all are reported at the end. */

import { DpctlError } from '../../../loader/errors.js';
import { run } from '../../../loader/hint.js';
import { isGateway } from '../../model/desired/desired.js';
import type { Observed } from '../../model/plan/observed.js';
import type { Endpoint, State } from '../../model/state/state.js';

/** One endpoint that is not as requested, and why. */
export interface Failure {
  readonly id: number;
  /** NS/IFNAME. */
  readonly subject: string;
  readonly error: DpctlError;
}

/** How messages name an endpoint that failed. */
export function failureOf(endpoint: Endpoint, error: DpctlError): Failure {
  const { id, namespace, network, ifname } = endpoint;
  const subject = isGateway(endpoint) ? `gateway ${network}` : `${namespace.ref}/${ifname}`;
  return { id, subject, error };
}

/**
 * Endpoints that cannot be made until a user removes an obstacle.
 * @param about endpoints that the command names
 * @throws DpctlError for the first of them
 */
export function blockedPorts(
  state: State,
  { ports }: Observed,
  about: ReadonlySet<number>,
): Failure[] {
  return state.endpoints.flatMap((endpoint) => {
    const blocked = ports.get(endpoint.id)?.blocked;
    if (blocked === undefined || endpoint.phase === 'detaching') return [];
    const { code, message, hint, exitCode } = blocked;
    const error = new DpctlError(code, message, {
      exitCode,
      hint,
      details: { ns: endpoint.namespace.ref, ifname: endpoint.ifname },
    });
    if (about.has(endpoint.id)) throw error;
    return [failureOf(endpoint, error)];
  });
}

/** The error of a command that did everything except for these endpoints. */
export function endpointsFailed(failures: readonly Failure[]): DpctlError {
  const [first] = failures;
  const texts = failures.map(({ subject, error }) => `${subject}: ${error.message}`);
  const count = failures.length === 1 ? '1 endpoint is' : `${failures.length} endpoints are`;
  return new DpctlError(
    'ENDPOINTS_FAILED',
    `everything else is done, but ${count} not as requested: ${texts.join('; ')}`,
    {
      exitCode: 2,
      hint: failures.length === 1 ? (first?.error.hint ?? run`status`) : run`status`,
      details: {
        failures: failures.map(({ subject, error }) => ({
          subject,
          code: error.code,
          message: error.message,
          hint: error.hint ?? '',
        })),
      },
      cause: first?.error,
    },
  );
}
