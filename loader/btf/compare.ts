import { resolve, sizeOf } from './query.js';
import type { Btf, BtfType } from './types.js';

/** A type as C would write it, without its members: `struct fdb_key`, `__u8[6]`. */
export function typeName(btf: Btf, id: number): string {
  const type = btf.types[id];
  if (!type) return `type ${id}`;
  switch (type.kind) {
    case 'void':
      return 'void';
    case 'ptr':
      return `${typeName(btf, type.type)} *`;
    case 'const':
    case 'volatile':
    case 'restrict':
    case 'typeTag':
    case 'var':
      return typeName(btf, type.type);
    case 'array':
      return `${typeName(btf, type.element)}[${type.length}]`;
    case 'struct':
    case 'union':
    case 'enum':
      return `${type.kind} ${type.name || '(anonymous)'}`;
    default:
      return type.name || type.kind;
  }
}

/**
 * How two types differ in memory: fields moved, added, removed, renamed, of another size or kind.
 * Names of types (typedefs, struct tags) make no difference, names of fields do.
 * @param path names the type in the messages
 * @returns one line a difference, `... here, ... pinned`; empty when they are the same
 */
export function layoutDifferences(
  here: Btf,
  hereId: number,
  there: Btf,
  thereId: number,
  path: string,
): string[] {
  const a = resolve(here, hereId);
  const b = resolve(there, thereId);
  if (a.kind !== b.kind || scalarShape(a) !== scalarShape(b)) {
    return [`${path} ${describe(here, hereId)} here, ${describe(there, thereId)} pinned`];
  }
  if (a.kind === 'array' && b.kind === 'array') {
    if (a.length !== b.length) {
      return [`${path} ${typeName(here, hereId)} here, ${typeName(there, thereId)} pinned`];
    }
    return layoutDifferences(here, a.element, there, b.element, `${path}[]`);
  }
  if ((a.kind === 'struct' || a.kind === 'union') && b.kind === a.kind) {
    return memberDifferences(here, a, there, b, path);
  }
  return [];
}

type Composite = Extract<BtfType, { kind: 'struct' | 'union' }>;

function memberDifferences(here: Btf, a: Composite, there: Btf, b: Composite, path: string) {
  const lines: string[] = [];
  const theirs = keyed(b);
  for (const [key, mine] of keyed(a)) {
    const name = mine.name ? `${path}.${mine.name}` : path;
    const other = theirs.get(key);
    theirs.delete(key);
    if (!other) {
      lines.push(`${name} at ${place(mine)} here, absent pinned`);
      continue;
    }
    if (mine.bitOffset !== other.bitOffset || mine.bitSize !== other.bitSize) {
      lines.push(`${name} at ${place(mine)} here, at ${place(other)} pinned`);
    }
    lines.push(...layoutDifferences(here, mine.type, there, other.type, name));
  }
  for (const other of theirs.values()) {
    lines.push(`${path}.${other.name || '(anonymous)'} absent here, at ${place(other)} pinned`);
  }
  return lines;
}

/** Members by name; anonymous ones by their position among the anonymous. */
function keyed(type: Composite) {
  let anonymous = 0;
  return new Map(type.members.map((member) => [member.name || `#${anonymous++}`, member] as const));
}

function place(member: { bitOffset: number; bitSize: number }): string {
  const byte = Math.floor(member.bitOffset / 8);
  return member.bitSize === 0
    ? `byte ${byte}`
    : `byte ${byte} bit ${member.bitOffset % 8} width ${member.bitSize}`;
}

function scalarShape(type: BtfType): string {
  if (type.kind === 'int') return `${type.size}${type.signed}${type.bool}`;
  return type.kind === 'enum' || type.kind === 'float' ? `${type.size}` : '';
}

function describe(btf: Btf, id: number): string {
  return `${typeName(btf, id)} (${sizeOf(btf, id)} bytes)`;
}
