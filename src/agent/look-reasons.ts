/** The reasons for the agent's looks, so that a look is skipped when they no longer hold. */

/** Reasons for the next looks. */
export interface LookReasons {
  /** Look in any case. */
  everything: boolean;
  /** A change is recorded as unfinished: its command may still be running. */
  unfinished: boolean;
  /** Devices with an event; 0 stands for the path to other nodes. */
  readonly devices: Set<number>;
  /** For the quick look: devices that were deleted; all if undefined, since notices were lost. */
  deleted: Set<number> | undefined;
  /** Time of the slow look (performance.now). */
  slow: number;
}

/** The first look covers everything. */
export function newLookReasons(): LookReasons {
  return {
    everything: true,
    unfinished: false,
    devices: new Set(),
    // The first full look finds what died before.
    deleted: new Set(),
    slow: 0,
  };
}

/** Whether one of the reasons still holds. A device that no longer belongs to the node was cleaned up. */
export function stillHolds(
  reasons: LookReasons,
  known: ReadonlySet<number> | undefined,
  now: number,
): boolean {
  const { everything, unfinished, devices, slow } = reasons;
  return (
    everything ||
    unfinished ||
    now >= slow ||
    [...devices].some((each) => each === 0 || known?.has(each) === true)
  );
}

/** A look at everything begins: clear all reasons. */
export function clearReasons(reasons: LookReasons, nextSlow: number): void {
  reasons.everything = false;
  reasons.devices.clear();
  reasons.slow = nextSlow;
}

/** A quick look begins: take its reasons. */
export function takeDeleted(reasons: LookReasons): LookReasons['deleted'] {
  const { deleted } = reasons;
  reasons.deleted = new Set();
  return deleted;
}

/** Devices were deleted; which ones is unknown if undefined. */
export function addDeleted(reasons: LookReasons, devices: Iterable<number> | undefined): void {
  if (devices === undefined) reasons.deleted = undefined;
  else for (const device of devices) reasons.deleted?.add(device);
}
