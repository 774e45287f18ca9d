/** What a full look was asked for, so that it is left out where the reason is gone. */

/** Reasons for the next full look. */
export interface Wishes {
  /** Look in any case. */
  everything: boolean;
  /** A change is recorded as not finished: its command may still be at it. */
  unfinished: boolean;
  /** Devices that something happened to; 0 for the way to other nodes. */
  readonly devices: Set<number>;
  /** The moment (performance.now) of the slow look. */
  slow: number;
}

/** The first look is at everything. */
export function newWishes(): Wishes {
  return { everything: true, unfinished: false, devices: new Set(), slow: 0 };
}

/** Whether one of the reasons still holds. A device that is none of the node's by now was cleared away. */
export function isWanted(
  wishes: Wishes,
  known: ReadonlySet<number> | undefined,
  now: number,
): boolean {
  const { everything, unfinished, devices, slow } = wishes;
  return (
    everything ||
    unfinished ||
    now >= slow ||
    [...devices].some((each) => each === 0 || known?.has(each) === true)
  );
}

/** A look at everything begins: nothing is left to wish for. */
export function fulfil(wishes: Wishes, nextSlow: number): void {
  wishes.everything = false;
  wishes.devices.clear();
  wishes.slow = nextSlow;
}
