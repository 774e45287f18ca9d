/** The counters of `dpctl dump stats`. */
import type { Lab } from './lab.js';

interface StatsRow {
  readonly kind: string;
  readonly name: string;
  readonly counter: string;
  readonly packets: number;
  readonly bytes: number;
}

/** Counters of a node at one moment. */
export interface Counters {
  /** Frames counted under a reason; 0 if none. */
  reason(name: string): number;
  /** A counter of an endpoint. */
  endpoint(ns: string, counter: string, ifname?: string): { packets: number; bytes: number };
}

/** Read all counters of a node. */
export async function counters(lab: Lab): Promise<Counters> {
  const rows = await lab.json<StatsRow[]>(['dump', 'stats']);
  const find = (name: string, counter: string) =>
    rows.find((row) => row.name === name && row.counter === counter);
  return {
    reason: (name) => find(name, 'count')?.packets ?? 0,
    endpoint(ns, counter, ifname = 'eth0') {
      const row = find(`${ns}/${ifname}`, counter);
      if (row === undefined) throw new Error(`no counter ${counter} of ${ns}/${ifname}`);
      return row;
    },
  };
}

/** By how much a reason's counter grew during an action. */
export async function countedDuring(
  lab: Lab,
  reason: string,
  act: () => Promise<unknown>,
): Promise<number> {
  const before = (await counters(lab)).reason(reason);
  await act();
  return (await counters(lab)).reason(reason) - before;
}
