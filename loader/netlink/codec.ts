/**
 * The bytes of a netlink message: header, attributes, scalars. Pure, no socket.
 *
 * Byte order: netlink itself is in host order, and every host that this project supports (x86_64,
 * arm64, riscv64) is little-endian, so scalars are written little-endian. Addresses inside
 * attributes are in network order; they come and go as bytes (src/linux/netlink/address-bytes.ts).
 *
 * Source: include/uapi/linux/netlink.h, Documentation/userspace-api/netlink/intro.rst.
 */

/** Length of struct nlmsghdr, in bytes. */
export const HEADER_LENGTH = 16;

/** Flags of struct nlmsghdr. REPLACE and EXCL share a bit with DUMP: the meaning goes by message type. */
export const NLM_F = {
  REQUEST: 0x1,
  MULTI: 0x2,
  ACK: 0x4,
  DUMP_INTR: 0x10,
  REPLACE: 0x100,
  EXCL: 0x200,
  CREATE: 0x400,
  DUMP: 0x300,
  CAPPED: 0x100,
  ACK_TLVS: 0x200,
} as const;

/** Message types below the family's own. */
export const NLMSG = { NOOP: 1, ERROR: 2, DONE: 3, OVERRUN: 4 } as const;

const NLA_F_NESTED = 0x8000;
const NLA_TYPE_MASK = 0x3fff;
const ATTRIBUTE_HEADER = 4;

/** One netlink message as it came from the kernel. `body` is everything after the header. */
export interface Message {
  readonly type: number;
  readonly flags: number;
  readonly sequence: number;
  readonly body: Uint8Array;
}

/** Attributes of one level by type; of a repeated type the last one counts, as in the kernel. */
export type Attributes = ReadonlyMap<number, Uint8Array>;

/** Length rounded up to the 4 bytes that headers and attributes are aligned to. */
export function align4(length: number): number {
  return (length + 3) & ~3;
}

/** One Uint8Array out of several, in order. */
export function concat(parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    out.set(part, offset);
    offset += part.length;
  }
  return out;
}

/** One byte. */
export function u8(value: number): Uint8Array {
  return Uint8Array.of(value);
}

/** 16 bits in host order. */
export function u16(value: number): Uint8Array {
  const out = new Uint8Array(2);
  new DataView(out.buffer).setUint16(0, value, true);
  return out;
}

/** 32 bits in host order; negative numbers are written as two's complement. */
export function u32(value: number): Uint8Array {
  const out = new Uint8Array(4);
  new DataView(out.buffer).setUint32(0, value, true);
  return out;
}

/** UTF-8 with the closing NUL that NLA_NUL_STRING policies want. Throws RangeError on an inner NUL. */
export function text(value: string): Uint8Array {
  if (value.includes('\0')) throw new RangeError('a netlink string cannot contain a NUL byte');
  return new TextEncoder().encode(`${value}\0`);
}

/** One attribute: header, payload, padding to 4 bytes. Throws RangeError when the length overflows 16 bits. */
export function attribute(type: number, payload: Uint8Array): Uint8Array {
  const length = ATTRIBUTE_HEADER + payload.length;
  if (length > 0xffff) throw new RangeError(`netlink attribute ${type} of ${length} bytes`);
  const out = new Uint8Array(align4(length));
  const view = new DataView(out.buffer);
  view.setUint16(0, length, true);
  view.setUint16(2, type, true);
  out.set(payload, ATTRIBUTE_HEADER);
  return out;
}

/** An attribute that holds other attributes, marked NLA_F_NESTED as strict policies want. */
export function nested(type: number, children: readonly Uint8Array[]): Uint8Array {
  return attribute(type | NLA_F_NESTED, concat(children));
}

/** A whole message: header (port id 0: the kernel fills it in) and body. */
export function encodeMessage(
  type: number,
  flags: number,
  sequence: number,
  body: Uint8Array,
): Uint8Array {
  const out = new Uint8Array(HEADER_LENGTH + body.length);
  const view = new DataView(out.buffer);
  view.setUint32(0, out.length, true);
  view.setUint16(4, type, true);
  view.setUint16(6, flags, true);
  view.setUint32(8, sequence, true);
  out.set(body, HEADER_LENGTH);
  return out;
}

/**
 * Splits what one recv returned into messages. The bodies are views of `buffer`, valid until it is
 * reused. Throws RangeError when a length runs past the end (a truncated datagram).
 */
export function decodeMessages(buffer: Uint8Array): Message[] {
  const view = viewOf(buffer);
  const messages: Message[] = [];
  for (let offset = 0; offset + HEADER_LENGTH <= buffer.length; ) {
    const length = view.getUint32(offset, true);
    if (length < HEADER_LENGTH || offset + length > buffer.length) {
      throw new RangeError(`netlink message of ${length} bytes at ${offset} of ${buffer.length}`);
    }
    messages.push({
      type: view.getUint16(offset + 4, true),
      flags: view.getUint16(offset + 6, true),
      sequence: view.getUint32(offset + 8, true),
      body: buffer.subarray(offset + HEADER_LENGTH, offset + length),
    });
    offset += align4(length);
  }
  return messages;
}

/** One attribute as it stands in a message, with the flag bits taken off its type. */
export interface Attribute {
  readonly type: number;
  readonly payload: Uint8Array;
}

/** The attributes in `buffer` from `offset` on, in order, repeated types kept. Throws RangeError when one runs past the end. */
export function listAttributes(buffer: Uint8Array, offset = 0): Attribute[] {
  const view = viewOf(buffer);
  const list: Attribute[] = [];
  for (let at = offset; at + ATTRIBUTE_HEADER <= buffer.length; ) {
    const length = view.getUint16(at, true);
    if (length < ATTRIBUTE_HEADER || at + length > buffer.length) {
      throw new RangeError(`netlink attribute of ${length} bytes at ${at} of ${buffer.length}`);
    }
    list.push({
      type: view.getUint16(at + 2, true) & NLA_TYPE_MASK,
      payload: buffer.subarray(at + ATTRIBUTE_HEADER, at + length),
    });
    at += align4(length);
  }
  return list;
}

/** The attributes in `buffer` from `offset` on, by type. Throws RangeError as listAttributes does. */
export function decodeAttributes(buffer: Uint8Array, offset = 0): Attributes {
  return new Map(
    listAttributes(buffer, offset).map(({ type, payload }) => [type, payload] as const),
  );
}

/** A DataView over exactly the bytes of `bytes`. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** The 8, 16 or 32-bit unsigned number in `payload`, host order; undefined when absent or of another length. */
export function readUint(payload: Uint8Array | undefined): number | undefined {
  if (payload === undefined) return undefined;
  const view = viewOf(payload);
  if (payload.length === 4) return view.getUint32(0, true);
  if (payload.length === 2) return view.getUint16(0, true);
  return payload.length === 1 ? payload[0] : undefined;
}

/** The 32-bit signed number in `payload`, host order; undefined when absent or of another length. */
export function readInt32(payload: Uint8Array | undefined): number | undefined {
  return payload?.length === 4 ? viewOf(payload).getInt32(0, true) : undefined;
}

const TEXT = new TextDecoder();

/** The string in `payload` up to its first NUL; undefined when absent. */
export function readText(payload: Uint8Array | undefined): string | undefined {
  if (payload === undefined) return undefined;
  const end = payload.indexOf(0);
  return TEXT.decode(end < 0 ? payload : payload.subarray(0, end));
}
