import { DpctlError } from '../errors.js';
import type { Btf, BtfEnumValue, BtfReferenceKind, BtfType } from './types.js';

const MAGIC = 0xeb9f;

/** Kind numbers of types that only refer to another type (Documentation/bpf/btf.rst). */
const REFERENCES: Readonly<Record<number, BtfReferenceKind>> = {
  2: 'ptr',
  8: 'typedef',
  9: 'volatile',
  10: 'const',
  11: 'restrict',
  12: 'func',
  18: 'typeTag',
};

/**
 * Read raw BTF, as the .BTF section of an object or the kernel has it.
 * @param bytes little-endian BTF, header included
 * @throws DpctlError BTF_FORMAT when it is not BTF or of a kind this reader does not know
 */
export function parseBtf(bytes: Uint8Array): Btf {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.byteLength < 24 || view.getUint16(0, true) !== MAGIC) {
    throw new DpctlError('BTF_FORMAT', 'not BTF: the magic number is missing');
  }
  const header = view.getUint32(4, true);
  const typesAt = header + view.getUint32(8, true);
  const typesEnd = typesAt + view.getUint32(12, true);
  const stringsAt = header + view.getUint32(16, true);
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const stringAt = (offset: number): string => {
    const start = stringsAt + offset;
    return text.toString('utf8', start, text.indexOf(0, start));
  };

  const types: BtfType[] = [{ kind: 'void', id: 0, name: '' }];
  const reader: Reader = { at: typesAt, u32: () => 0, i32: () => 0, stringAt };
  reader.u32 = () => {
    reader.at += 4;
    return view.getUint32(reader.at - 4, true);
  };
  reader.i32 = () => {
    reader.at += 4;
    return view.getInt32(reader.at - 4, true);
  };
  while (reader.at < typesEnd) types.push(readType(reader, types.length));
  return { types };
}

interface Reader {
  at: number;
  u32(): number;
  i32(): number;
  stringAt(offset: number): string;
}

function readType(reader: Reader, id: number): BtfType {
  const name = reader.stringAt(reader.u32());
  const info = reader.u32();
  /** A size for kinds that have one, else the type referred to. */
  const sizeOrType = reader.u32();
  const count = info & 0xffff;
  const kind = (info >>> 24) & 0x1f;
  const flag = info >>> 31 === 1;
  const base = { id, name };

  const reference = REFERENCES[kind];
  if (reference) return { ...base, kind: reference, type: sizeOrType };
  switch (kind) {
    case 1: {
      const encoding = reader.u32();
      const traits = (encoding >>> 24) & 0xf;
      return {
        ...base,
        kind: 'int',
        size: sizeOrType,
        signed: (traits & 1) !== 0,
        bool: (traits & 4) !== 0,
        bits: encoding & 0xff,
      };
    }
    case 3:
      return {
        ...base,
        kind: 'array',
        element: reader.u32(),
        index: reader.u32(),
        length: reader.u32(),
      };
    case 4:
    case 5:
      return {
        ...base,
        kind: kind === 4 ? 'struct' : 'union',
        size: sizeOrType,
        members: repeat(count, () => readMember(reader, flag)),
      };
    case 6:
      return {
        ...base,
        kind: 'enum',
        size: sizeOrType,
        signed: flag,
        values: repeat(count, () => ({
          name: reader.stringAt(reader.u32()),
          value: flag ? reader.i32() : reader.u32(),
        })),
      };
    case 7:
      return { ...base, kind: 'fwd', union: flag };
    case 13:
      return {
        ...base,
        kind: 'funcProto',
        result: sizeOrType,
        parameters: repeat(count, () => ({
          name: reader.stringAt(reader.u32()),
          type: reader.u32(),
        })),
      };
    case 14:
      reader.u32(); // linkage
      return { ...base, kind: 'var', type: sizeOrType };
    case 15:
      return {
        ...base,
        kind: 'datasec',
        size: sizeOrType,
        variables: repeat(count, () => ({
          type: reader.u32(),
          offset: reader.u32(),
          size: reader.u32(),
        })),
      };
    case 16:
      return { ...base, kind: 'float', size: sizeOrType };
    case 17:
      return { ...base, kind: 'declTag', type: sizeOrType, component: reader.i32() };
    case 19:
      return {
        ...base,
        kind: 'enum',
        size: sizeOrType,
        signed: flag,
        values: repeat(count, () => readEnum64(reader, flag)),
      };
    default:
      throw new DpctlError('BTF_FORMAT', `BTF type ${id} is of unknown kind ${kind}`, {
        hint: 'the object was built by a compiler newer than this reader',
      });
  }
}

function readMember(reader: Reader, bitFields: boolean) {
  const name = reader.stringAt(reader.u32());
  const type = reader.u32();
  const offset = reader.u32();
  // With the kind flag set, the offset's top byte is the width of a bit field.
  return bitFields
    ? { name, type, bitOffset: offset & 0xffffff, bitSize: offset >>> 24 }
    : { name, type, bitOffset: offset, bitSize: 0 };
}

function readEnum64(reader: Reader, signed: boolean): BtfEnumValue {
  const name = reader.stringAt(reader.u32());
  const low = BigInt(reader.u32());
  const raw = (BigInt(reader.u32()) << 32n) | low;
  const value = signed ? BigInt.asIntN(64, raw) : raw;
  const small = Number(value);
  return { name, value: Number.isSafeInteger(small) ? small : value };
}

function repeat<T>(count: number, make: () => T): T[] {
  return Array.from({ length: count }, make);
}
