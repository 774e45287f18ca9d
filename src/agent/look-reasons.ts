/** The reasons for a full look, so that it is skipped when they no longer hold. */

/** Reasons for the next full look. */
export interface LookReasons {
  /** Look in any case. */
  everything: boolean;
  /** A change is recorded as unfinished: its command may still be running. */
  unfinished: boolean;
  /** Devices with an event; 0 stands for the path to other nodes. */
  readonly devices: Set<number>;
  /** Time of the slow look (performance.now). */
  slow: number;
}

/** The first look covers everything. */
export function newLookReasons(): LookReasons {
  return { everything: true, unfinished: false, devices: new Set(), slow: 0 };
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
