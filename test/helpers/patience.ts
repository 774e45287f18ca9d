/**
 * How many times slower than usual this machine is: DPCTL_TEST_PATIENCE, 1 when it does not say. An
 * emulated guest is given that many times as long, and by that much less to carry.
 */
export const PATIENCE = Math.max(1, Number(process.env.DPCTL_TEST_PATIENCE ?? 1));

/** Bytes for a test to carry on this machine, of those it carries on a usual one. */
export function bulk(bytes: number): number {
  return Math.ceil(bytes / PATIENCE);
}
