/** The context of a frame that is given to the program by hand. */

/** struct __sk_buff (linux/bpf.h). */
const CONTEXT = { size: 192, ifindex: 40 } as const;

/** The context of a frame that came in at a device. */
export function contextFor(ifindex: number): Uint8Array {
  const ctx = new Uint8Array(CONTEXT.size);
  new DataView(ctx.buffer).setUint32(CONTEXT.ifindex, ifindex, true);
  return ctx;
}
