/** The context of a frame for a test run. */

/** struct __sk_buff (linux/bpf.h). */
const CONTEXT = { size: 192, mark: 8, ifindex: 40, gsoSize: 176 } as const;

/** The context of a frame received at a device; with a `gsoSize` it is still to be segmented. */
export function contextFor(
  ifindex: number,
  { gsoSize = 0, mark = 0 }: { readonly gsoSize?: number; readonly mark?: number | undefined } = {},
): Uint8Array {
  const ctx = new Uint8Array(CONTEXT.size);
  const view = new DataView(ctx.buffer);
  view.setUint32(CONTEXT.ifindex, ifindex, true);
  view.setUint32(CONTEXT.mark, mark, true);
  view.setUint32(CONTEXT.gsoSize, gsoSize, true);
  return ctx;
}
