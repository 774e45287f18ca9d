/**
 * How many times slower than usual this machine is: DPCTL_TEST_PATIENCE, 1 by default. An emulated guest
 * gets that many times more time, and that many times less data.
 */
export const PATIENCE = Math.max(1, Number(process.env.DPCTL_TEST_PATIENCE ?? 1));

/** Bytes for a test to send on this machine, of those it sends on a usual one. */
export function bulk(bytes: number): number {
  return Math.ceil(bytes / PATIENCE);
}
