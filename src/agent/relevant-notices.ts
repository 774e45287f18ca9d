/** Which of the kernel's notices concern a node: decided by device numbers, as last recorded. */
import type { Notice } from '../linux/netlink/monitor.js';
import type { State } from '../model/state/state.js';

/** The part of a node's state to compare notices with. */
export interface Interest {
  /** Devices that dpctl made or uses. */
  readonly devices: ReadonlySet<number>;
  /** Addresses and routes matter, as they lead to other nodes. */
  readonly underlay: boolean;
}

/** For a node of which nothing is known. */
export const NO_INTEREST: Interest = { devices: new Set(), underlay: false };

/** The interest of a state. */
export function interestOf({ endpoints, underlay, resolvedUnderlay }: State): Interest {
  const overlay = [
    resolvedUnderlay?.ifindex,
    resolvedUnderlay?.replicator,
    resolvedUnderlay?.anchor,
  ];
  const devices = [...endpoints.map(({ ifindex }) => ifindex), ...overlay];
  return {
    devices: new Set(devices.filter((each) => each !== undefined)),
    underlay: underlay !== undefined,
  };
}

/**
 * Devices of the node that notices concern.
 * @returns their numbers; 0 stands for the path to other nodes
 */
export function noticed(notices: readonly Notice[], { devices, underlay }: Interest): number[] {
  return notices.flatMap(({ about, ifindex }) => {
    if (about === 'link') return devices.has(ifindex) ? [ifindex] : [];
    return underlay ? [0] : [];
  });
}

/**
 * Devices that the kernel has deleted, also those of other programs: a device of a command that has just
 * begun may not be in the interest yet.
 */
export function deletedDevices(notices: readonly Notice[]): number[] {
  return notices.flatMap(({ about, gone, ifindex }) => (about === 'link' && gone ? [ifindex] : []));
}
