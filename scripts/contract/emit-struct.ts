/** TypeScript for a struct: an interface, its offsets, and the functions that read and write it. */

import type { Described } from './comments.js';
import { docComment } from './emit-text.js';
import type { FieldLayout, FieldType, IntegerType, StructLayout } from './layout.js';
import { camel, pascal, upper } from './names.js';

/**
 * @param layout offsets and sizes, from BTF
 * @param described comments, from the header
 */
export function emitStruct(layout: StructLayout, described: Described | undefined): string {
  const type = pascal(layout.name);
  const shown = layout.fields.filter((field) => field.type.kind !== 'zero');
  const lines = shown.map((field) => interfaceLine(field, described?.members.get(field.name)));
  return `${docComment(described?.doc || `struct ${layout.name}`)}
export interface ${type} {
${lines.join('\n')}
}
/** Bytes of a {@link ${type}}. */
export const sizeof${type} = ${layout.size};
/** Where each field of a {@link ${type}} begins, in bytes. */
export const ${upper(layout.name)}_OFFSETS = {
${shown.map((field) => `  ${camel(field.name)}: ${field.offset},`).join('\n')}
} as const;
function write${type}(view: DataView, offset: number, value: ${type}): void {
${layout.fields.map((f) => `  ${write(f.type, f.size, at(f.offset), `value.${camel(f.name)}`)}`).join('\n')}
}
/** Read a {@link ${type}} at an offset of the view. */
export function decode${type}(view: DataView, offset = 0): ${type} {
  return {
${shown.map((f) => `    ${camel(f.name)}: ${read(f.type, at(f.offset))},`).join('\n')}
  };
}
/** {@link ${type}} to bytes and back. */
export const ${camel(layout.name)}Codec: Codec<${type}> = /* @__PURE__ */ codec(
  sizeof${type},
  write${type},
  decode${type},
);
/** Write a {@link ${type}} to new bytes, or into the given ones at the offset. */
export const encode${type} = ${camel(layout.name)}Codec.encode;
`;
}

function at(offset: number): string {
  return offset === 0 ? 'offset' : `offset + ${offset}`;
}

function interfaceLine(field: FieldLayout, comment: string | undefined): string {
  const order = usesNetworkOrder(field.type)
    ? 'Network byte order in the map, a plain number here.'
    : '';
  const text = [comment ?? '', order].filter((part) => part !== '').join('. ');
  const doc = docComment(text, '  ');
  return `${doc === '' ? '' : `${doc}\n`}  readonly ${camel(field.name)}: ${typeName(field.type)};`;
}

function usesNetworkOrder(type: FieldType): boolean {
  if (type.kind === 'array') return usesNetworkOrder(type.of);
  return type.kind === 'integer' && type.bigEndian;
}

/** The TypeScript type of a field. */
export function typeName(type: FieldType): string {
  switch (type.kind) {
    case 'integer':
      return type.bytes === 8 ? 'bigint' : 'number';
    case 'bool':
      return 'boolean';
    case 'bytes':
      return 'Uint8Array';
    case 'text':
      return 'string';
    case 'array':
      return `readonly ${typeName(type.of)}[]`;
    case 'struct':
      return pascal(type.name);
    case 'zero':
      return 'never';
  }
}

/** The tail of DataView's accessor: Uint16, Int32, BigUint64 ... */
function accessor(type: IntegerType): string {
  const base = `${type.signed ? 'Int' : 'Uint'}${type.bytes * 8}`;
  return type.bytes === 8 ? `Big${base}` : base;
}

function order(type: IntegerType): string {
  return type.bytes === 1 ? '' : `, ${!type.bigEndian}`;
}

/** An expression that reads a field at an offset expression. */
export function read(type: FieldType, offset: string): string {
  switch (type.kind) {
    case 'integer':
      return `view.get${accessor(type)}(${offset}${order(type)})`;
    case 'bool':
      return `view.getUint8(${offset}) !== 0`;
    case 'bytes':
      return `getBytes(view, ${offset}, ${type.length})`;
    case 'text':
      return `getText(view, ${offset}, ${type.length})`;
    case 'array': {
      const element = read(type.of, `${offset} + i * ${type.stride}`);
      return `Array.from({ length: ${type.count} }, (_, i) => ${element})`;
    }
    case 'struct':
      return `decode${pascal(type.name)}(view, ${offset})`;
    case 'zero':
      return 'undefined';
  }
}

/** A statement that writes a field at an offset expression. */
export function write(type: FieldType, size: number, offset: string, value: string): string {
  switch (type.kind) {
    case 'integer':
      return `view.set${accessor(type)}(${offset}, ${value}${order(type)});`;
    case 'bool':
      return `view.setUint8(${offset}, ${value} ? 1 : 0);`;
    case 'bytes':
      return `setBytes(view, ${offset}, ${value}, ${type.length});`;
    case 'text':
      return `setText(view, ${offset}, ${value}, ${type.length});`;
    case 'array': {
      const element = write(type.of, type.stride, `${offset} + i * ${type.stride}`, 'element');
      return `for (const [i, element] of exactly(${value}, ${type.count}).entries()) ${element}`;
    }
    case 'struct':
      return `write${pascal(type.name)}(view, ${offset}, ${value});`;
    case 'zero':
      return `zeroBytes(view, ${offset}, ${size});`;
  }
}
