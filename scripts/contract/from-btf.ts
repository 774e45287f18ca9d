/** From the BTF of the datapath's objects to the layout of the contract. */

import {
  findType,
  mapDefinitions,
  type ObjectBtf,
  resolve,
  sizeOf,
  typeById,
} from '../../loader/btf/query.js';
import type { BtfMember, BtfOf } from '../../loader/btf/types.js';
import type {
  EnumLayout,
  FieldLayout,
  FieldType,
  IntegerType,
  Layout,
  MapLayout,
  StructLayout,
} from './layout.js';

/** Names that the contract declares: each must be found in some object. */
export interface Wanted {
  readonly structs: readonly string[];
  readonly enums: readonly string[];
}

/** Fields that only the kernel may write; user space writes zeros and ignores the values. */
const KERNEL_OWNED = new Set([
  'bpf_timer',
  'bpf_spin_lock',
  'bpf_list_head',
  'bpf_list_node',
  'bpf_rb_root',
  'bpf_rb_node',
  'bpf_refcount',
]);

/** Explicit padding: `pad`, `_pad`, `pad2`, `__pad` ...; and `own_...`, which only the datapath writes. */
const PADDING = /^_*pad\d*$|^own_/;

/**
 * Read every map, and each struct and enum that is wanted or that is part of a map's key or value.
 * @param objects the datapath's objects; one of them must have each wanted name
 * @param wanted the names that the header declares
 * @throws Error that lists all problems: a name in no object, hidden padding, bit fields, unions, two
 * objects that disagree
 */
export function layoutOf(objects: readonly ObjectBtf[], wanted: Wanted): Layout {
  const structs = new Map<string, StructLayout>();
  const enums = new Map<string, EnumLayout>();
  const maps = new Map<string, MapLayout>();
  const problems: string[] = [];

  const agree = <T>(into: Map<string, T>, what: string, name: string, found: T): void => {
    const known = into.get(name);
    if (known === undefined) into.set(name, found);
    else if (JSON.stringify(known) !== JSON.stringify(found)) {
      problems.push(`${what} ${name} is not the same in every object`);
    }
  };
  for (const object of objects) {
    const reader = reading(object, problems, (found) => {
      for (const part of found) agree(structs, 'struct', part.name, part);
    });
    for (const name of wanted.structs) {
      const type = findType(object, 'struct', name);
      if (type) reader.struct(type);
    }
    for (const name of wanted.enums) {
      const type = findType(object, 'enum', name);
      if (type) agree(enums, 'enum', name, enumLayout(type));
    }
    for (const map of mapDefinitions(object)) {
      // Sections of the compiler: .rodata, .bss and the like.
      if (!map.name.startsWith('.')) agree(maps, 'map', map.name, reader.map(map));
    }
  }
  for (const [what, names, found] of [
    ['struct', wanted.structs, structs],
    ['enum', wanted.enums, enums],
  ] as const) {
    for (const name of names) {
      if (found.has(name)) continue;
      problems.push(
        `${what} ${name} is declared but in no object's BTF: the compiler drops a type that no map, global or function signature mentions`,
      );
    }
  }
  if (problems.length > 0) throw new Error([...new Set(problems)].join('\n'));
  return {
    structs: inOrder(structs, wanted.structs),
    enums: inOrder(enums, wanted.enums),
    maps: [...maps.values()].sort((a, b) => (a.name < b.name ? -1 : 1)),
  };
}

/** In the header's order, then what the header does not declare by name. */
function inOrder<T>(found: ReadonlyMap<string, T>, wanted: readonly string[]): T[] {
  const rest = [...found.keys()].filter((name) => !wanted.includes(name)).sort();
  return [...wanted, ...rest].flatMap((name) => found.get(name) ?? []);
}

function enumLayout(type: BtfOf<'enum'>): EnumLayout {
  return {
    name: type.name,
    values: type.values.map(({ name, value }) => ({ name, value: Number(value) })),
  };
}

/** Readers of one object; each struct found on the way is passed to `emit`. */
function reading(
  object: ObjectBtf,
  problems: string[],
  emit: (found: readonly StructLayout[]) => void,
) {
  const seen = new Set<string>();

  function struct(type: BtfOf<'struct' | 'union'>): void {
    if (seen.has(type.name)) return;
    seen.add(type.name);
    const fields = type.members.map((member) => field(type.name, member));
    checkPadding(type.name, type.size, fields);
    emit([{ name: type.name, size: type.size, fields }]);
  }

  function field(owner: string, member: BtfMember): FieldLayout {
    const where = `struct ${owner}: ${member.name || 'an anonymous member'}`;
    if (member.bitSize !== 0) problems.push(`${where} is a bit field`);
    const type: FieldType = PADDING.test(member.name)
      ? { kind: 'zero' }
      : fieldType(member.type, where);
    if (member.name === '') problems.push(`${where} has no name to give it in TypeScript`);
    return {
      name: member.name,
      offset: member.bitOffset / 8,
      size: sizeOf(object, member.type),
      type,
    };
  }

  function fieldType(id: number, where: string): FieldType {
    const bigEndian = isBigEndian(object, id);
    const type = resolve(object, id);
    switch (type.kind) {
      case 'int':
        if (type.bool) return { kind: 'bool' };
        return integer(type.size, type.signed, bigEndian);
      case 'enum':
        return integer(type.size, type.signed, false);
      case 'struct':
        if (KERNEL_OWNED.has(type.name)) return { kind: 'zero' };
        struct(type);
        return { kind: 'struct', name: type.name };
      case 'array': {
        const element = resolve(object, type.element);
        if (element.kind === 'int' && element.size === 1) {
          const kind = element.name === 'char' ? 'text' : 'bytes';
          return { kind, length: type.length };
        }
        const of = fieldType(type.element, where);
        return { kind: 'array', of, count: type.length, stride: sizeOf(object, type.element) };
      }
      default:
        problems.push(`${where} is a ${type.kind}, which the contract cannot carry`);
        return { kind: 'zero' };
    }
  }

  function checkPadding(name: string, size: number, fields: readonly FieldLayout[]): void {
    let end = 0;
    let last = 'its start';
    for (const { name: next, offset, size: bytes } of [...fields, sentinel(size)]) {
      if (offset > end) {
        const bytesHidden = offset - end === 1 ? '1 byte' : `${offset - end} bytes`;
        problems.push(
          `struct ${name} has ${bytesHidden} of hidden padding after ${last}: name them pad, or they reach a map undefined`,
        );
      }
      end = offset + bytes;
      last = next;
    }
  }

  function map(definition: ReturnType<typeof mapDefinitions>[number]): MapLayout {
    const { name, type, maxEntries, flags, keySize, valueSize, keyType, valueType } = definition;
    const key = keyType ? fieldType(keyType, `map ${name}: key`) : undefined;
    const value = valueType ? fieldType(valueType, `map ${name}: value`) : undefined;
    return {
      ...{ name, type, maxEntries, flags, keySize, valueSize },
      ...(key && { key }),
      ...(value && { value }),
    };
  }

  return { struct, map };
}

function sentinel(size: number): FieldLayout {
  return { name: 'its end', offset: size, size: 0, type: { kind: 'zero' } };
}

function integer(size: number, signed: boolean, bigEndian: boolean): IntegerType {
  return { kind: 'integer', bytes: size as IntegerType['bytes'], signed, bigEndian };
}

/** Whether the type is one of linux/types.h's types in network byte order. */
function isBigEndian(object: ObjectBtf, id: number): boolean {
  const type = typeById(object, id);
  if (type.kind !== 'typedef') return false;
  return /^__be(16|32|64)$/.test(type.name) || isBigEndian(object, type.type);
}
