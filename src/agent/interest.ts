/** Which of the kernel's notices are about a node: told by numbers of devices, as last recorded. */
import type { Notice } from '../linux/netlink/monitor.js';
import type { State } from '../model/state/state.js';

/** What a node's state says that notices can be compared with. */
export interface Interest {
  /** Devices that dpctl made or uses. */
  readonly devices: ReadonlySet<number>;
  /** Addresses and routes matter: they lead to other nodes. */
  readonly underlay: boolean;
}

/** Of a node that nothing is known of. */
export const NO_INTEREST: Interest = { devices: new Set(), underlay: false };

/** What a state is interested in. */
export function interestOf({ endpoints, underlay, uplink }: State): Interest {
  const overlay = [uplink?.ifindex, uplink?.replicator, uplink?.anchor];
  const devices = [...endpoints.map(({ ifindex }) => ifindex), ...overlay];
  return {
    devices: new Set(devices.filter((each) => each !== undefined)),
    underlay: underlay !== undefined,
  };
}

/**
 * Devices of the node that notices are about.
 * @returns their numbers; 0 for the way to other nodes
 */
export function noticed(notices: readonly Notice[], { devices, underlay }: Interest): number[] {
  return notices.flatMap(({ about, ifindex }) => {
    if (about === 'link') return devices.has(ifindex) ? [ifindex] : [];
    return underlay ? [0] : [];
  });
}
