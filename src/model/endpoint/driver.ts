/** The kind of an endpoint's device. */

import { DpctlError } from '../../../loader/errors.js';
import { advice, run } from '../../../loader/hint.js';
import { driverOf } from '../desired/desired.js';
import { endpointLabel, IFNAME_DEFAULT } from '../state/lookup.js';
import type { Driver, Endpoint, NamespaceRef } from '../state/state.js';

/** The requested kind of an endpoint's device. */
export interface DriverRequest {
  /** The kind that is required. */
  readonly driver?: Driver | undefined;
  /** For a new endpoint if no kind is required; veth by default. */
  readonly defaultDriver?: Driver | undefined;
}

/** The existing device, if there is one. */
interface Present {
  readonly self: Endpoint | undefined;
  /** A new endpoint adopts an existing veth. */
  readonly adopts: boolean;
  readonly namespace: NamespaceRef;
  readonly ifname: string;
}

/**
 * The kind of an endpoint's device: that of the existing device, else the requested kind.
 * @throws DpctlError DRIVER_DIFFERS, exit 1, if the request differs from the existing device: a device cannot
 *   change its kind
 */
export function chooseDriver(request: DriverRequest, present: Present): Driver {
  const { self, adopts, namespace, ifname } = present;
  const there = self !== undefined ? driverOf(self) : adopts ? 'veth' : undefined;
  const { driver, defaultDriver = 'veth' } = request;
  if (there === undefined) return driver ?? defaultDriver;
  if (driver === undefined || driver === there) return there;
  const { ref } = namespace;
  const flag = ifname === IFNAME_DEFAULT ? [] : ['--ifname', ifname];
  const what = self === undefined ? `${ref}:${ifname}` : endpointLabel(self);
  throw new DpctlError('DRIVER_DIFFERS', `${what} is a ${there}, and cannot change its driver`, {
    exitCode: 1,
    hint: adopts
      ? advice`${run`attach ${ref} --driver ${driver} --ifname NAME`}, for a second interface`
      : advice`${run`detach ${ref} ${flag}`}, then ${run`attach ${ref} ${flag} --driver ${driver}`}`,
    details: { ns: ref, ifname, driver: there, asked: driver },
  });
}
