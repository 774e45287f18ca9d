import { DpctlError } from '../errors.js';
import { type ElfObject, readElf } from './elf.js';
import { parseBtf } from './parse.js';
import type { Btf, BtfOf, BtfType } from './types.js';

/** An object file's types together with what only its symbol table knows. */
export interface ObjectBtf extends Btf {
  readonly elf: ElfObject;
}

/**
 * The types of an object file.
 * @throws DpctlError OBJECT_MISSING, OBJECT_FORMAT, BTF_MISSING (exit 2)
 */
export function readObjectBtf(path: string): ObjectBtf {
  const elf = readElf(path);
  const section = elf.sections.get('.BTF');
  if (!section) {
    throw new DpctlError('BTF_MISSING', `BPF object ${path} has no BTF`, {
      hint: 'compile it with clang -g',
      details: { path },
    });
  }
  return { ...parseBtf(section), elf };
}

/** A type by id. @throws DpctlError BTF_FORMAT for an id out of range */
export function typeById(btf: Btf, id: number): BtfType {
  const type = btf.types[id];
  if (!type) throw new DpctlError('BTF_FORMAT', `BTF has no type ${id}`);
  return type;
}

/** The first type of a kind and name, undefined if there is none. */
export function findType<K extends BtfType['kind']>(
  btf: Btf,
  kind: K,
  name: string,
): BtfOf<K> | undefined {
  return btf.types.find((type): type is BtfOf<K> => type.kind === kind && type.name === name);
}

/** The type behind typedefs, const, volatile, restrict and type tags. */
export function resolve(btf: Btf, id: number): BtfType {
  const type = typeById(btf, id);
  switch (type.kind) {
    case 'typedef':
    case 'const':
    case 'volatile':
    case 'restrict':
    case 'typeTag':
      return resolve(btf, type.type);
    default:
      return type;
  }
}

/** sizeof, in bytes; 0 for void and functions. */
export function sizeOf(btf: Btf, id: number): number {
  const type = resolve(btf, id);
  switch (type.kind) {
    case 'int':
    case 'float':
    case 'struct':
    case 'union':
    case 'enum':
    case 'datasec':
      return type.size;
    case 'ptr':
      return 8;
    case 'array':
      return type.length * sizeOf(btf, type.element);
    case 'var':
      return sizeOf(btf, type.type);
    default:
      return 0;
  }
}

/** A global variable: a load-time constant of .rodata, a global of .data or .bss. */
export interface Variable {
  readonly name: string;
  readonly type: number;
  /** Offset in its section, in bytes. */
  readonly offset: number;
  readonly size: number;
}

/** The variables of a section, in order of offset; empty when the section is not there. */
export function sectionVariables(object: ObjectBtf, section: string): readonly Variable[] {
  const datasec = findType(object, 'datasec', section);
  if (!datasec) return [];
  // clang leaves the offsets in BTF zero for the linker to fill in: the symbol table has them.
  const offsets = new Map(
    object.elf.symbols
      .filter((symbol) => symbol.section === section && symbol.name !== '')
      .map((symbol) => [symbol.name, symbol.offset]),
  );
  return datasec.variables
    .map(({ type, offset, size }) => {
      const variable = typeById(object, type);
      return {
        name: variable.name,
        type: variable.kind === 'var' ? variable.type : type,
        offset: offsets.get(variable.name) ?? offset,
        size,
      };
    })
    .sort((a, b) => a.offset - b.offset);
}

/** A map as the object declares it; sizes in bytes, zero where the declaration leaves it out. */
export interface MapDefinition {
  readonly name: string;
  readonly type: number;
  readonly maxEntries: number;
  readonly flags: number;
  /** Type ids, 0 where the map was declared with sizes only. */
  readonly keyType: number;
  readonly valueType: number;
  readonly keySize: number;
  readonly valueSize: number;
}

/** The maps of the object's .maps section, in order of declaration. */
export function mapDefinitions(object: ObjectBtf): readonly MapDefinition[] {
  return sectionVariables(object, '.maps').map(({ name, type }) => {
    const definition = resolve(object, type);
    const members = definition.kind === 'struct' ? definition.members : [];
    const pointee = (member: string): number => {
      const found = members.find((candidate) => candidate.name === member);
      const pointer = found ? resolve(object, found.type) : undefined;
      return pointer?.kind === 'ptr' ? pointer.type : 0;
    };
    // __uint(name, n) is declared as a pointer to an array of n ints.
    const uint = (member: string): number => {
      const id = pointee(member);
      const array = id === 0 ? undefined : resolve(object, id);
      return array?.kind === 'array' ? array.length : 0;
    };
    const keyType = pointee('key');
    const valueType = pointee('value');
    return {
      name,
      type: uint('type'),
      maxEntries: uint('max_entries'),
      flags: uint('map_flags'),
      keyType,
      valueType,
      keySize: keyType ? sizeOf(object, keyType) : uint('key_size'),
      valueSize: valueType ? sizeOf(object, valueType) : uint('value_size'),
    };
  });
}
