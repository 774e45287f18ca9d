/** The kind of device that attach was asked to make, and what this kernel supports. */

import { DpctlError } from '../../../loader/errors.js';
import { advice, type Hint, run } from '../../../loader/hint.js';
import type { AttachRequest } from '../../api/endpoint.js';
import { netkitAvailable } from '../../datapath/features.js';
import type { DriverRequest } from '../../model/endpoint/driver.js';
import type { Endpoint } from '../../model/state/state.js';
import type { Node } from '../node/node.js';

/**
 * The requested driver, as the edit of the desired state takes it. `auto` requests nothing: an existing
 * endpoint keeps its kind.
 * @throws DpctlError NETKIT_MISSING, exit 2, if the kernel cannot make the requested kind
 */
export function driverRequest(node: Node, { ns, driver }: AttachRequest): DriverRequest {
  if (driver === undefined || driver === 'veth') return { driver };
  const available = netkitAvailable(node.rtnl());
  if (driver === 'auto') return { defaultDriver: available ? 'netkit' : 'veth' };
  if (available) return { driver };
  throw new DpctlError(
    'NETKIT_MISSING',
    'this kernel has no netkit devices with a configurable MAC',
    {
      hint: advice`${run`attach ${ns} --driver veth`}, or Linux 6.10 or later with CONFIG_NETKIT`,
      details: { ns },
    },
  );
}

/** Tell users who leave the choice to dpctl when a missing feature decided it. */
export function driverNotes({ driver }: AttachRequest, endpoint: Endpoint | undefined): Hint[] {
  const fellBack =
    driver === 'auto' && endpoint?.driver === undefined && endpoint?.adopted === undefined;
  return fellBack
    ? [advice`it is a veth: this kernel has no netkit (${run`status --features`})`]
    : [];
}
