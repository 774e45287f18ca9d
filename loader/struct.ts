import { ffi } from './ffi/seam.js';

const referenced = new WeakMap<Uint8Array, Uint8Array[]>();

/** A zeroed struct for the kernel or libbpf, written field by field at its C offsets. */
export interface Struct {
  readonly bytes: Uint8Array;
  u32(offset: number, value: number): Struct;
  u64(offset: number, value: number | bigint): Struct;
  /** A pointer field. The buffer lives as long as the struct's bytes do. */
  pointer(offset: number, target: Uint8Array): Struct;
  getU32(offset: number): number;
  getU64(offset: number): bigint;
}

/** A zeroed struct of `size` bytes, little-endian. */
export function struct(size: number): Struct {
  const bytes = new Uint8Array(size);
  const view = new DataView(bytes.buffer);
  const self: Struct = {
    bytes,
    u32(offset, value) {
      view.setUint32(offset, value, true);
      return self;
    },
    u64(offset, value) {
      view.setBigUint64(offset, BigInt(value), true);
      return self;
    },
    pointer(offset, target) {
      // The struct holds only an address; without this the collector could free the target.
      const targets = referenced.get(bytes);
      if (targets) targets.push(target);
      else referenced.set(bytes, [target]);
      view.setBigUint64(offset, ffi().addressOf(target), true);
      return self;
    },
    getU32: (offset) => view.getUint32(offset, true),
    getU64: (offset) => view.getBigUint64(offset, true),
  };
  return self;
}

/** A libbpf options struct: zeroed, its first field (`size_t sz`) filled in. */
export function options(size: number): Struct {
  return struct(size).u64(0, size);
}
