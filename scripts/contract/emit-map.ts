/** TypeScript for the maps: one table from which the loader's side makes typed maps. */

import { read, typeName, write } from './emit-struct.js';
import type { FieldType, IntegerType, MapLayout } from './layout.js';
import { camel, pascal } from './names.js';

const MAP_INTERFACE = `/** A map as the datapath defines it. */
export interface MapLayout<K, V> {
  /** Its name in the kernel and of its pin; the version of the layout is part of it. */
  readonly name: string;
  /** enum bpf_map_type */
  readonly type: number;
  readonly flags: number;
  /** Its size where no other is asked for at load time. */
  readonly maxEntries: number;
  /** The C type of a key and a value, '' where the map has none (a ring buffer). */
  readonly keyType: string;
  readonly valueType: string;
  readonly key: Codec<K>;
  readonly value: Codec<V>;
}
`;

/**
 * @param maps every map of the objects
 * @param prefix the common beginning of all map names, which callers need not know
 */
export function emitMaps(maps: readonly MapLayout[], prefix: string): string {
  const scalars = new Map<string, string>();
  const codecFor = (type: FieldType | undefined, size: number): string => {
    if (type === undefined) return `/* @__PURE__ */ rawCodec(${size})`;
    if (type.kind === 'struct') return `${camel(type.name)}Codec`;
    if (type.kind !== 'integer') return `/* @__PURE__ */ rawCodec(${size})`;
    const name = `${scalarName(type)}Codec`;
    scalars.set(name, scalarCodec(name, type));
    return name;
  };
  const short = shortNames(maps, prefix);
  const entries = maps.map((map) => {
    const types = `MapLayout<${tsType(map.key)}, ${tsType(map.value)}>`;
    return `  ${short.get(map.name)}: {
    name: ${JSON.stringify(map.name)},
    type: ${map.type},
    flags: ${map.flags},
    maxEntries: ${map.maxEntries},
    keyType: ${JSON.stringify(cType(map.key))},
    valueType: ${JSON.stringify(cType(map.value))},
    key: ${codecFor(map.key, map.keySize)},
    value: ${codecFor(map.value, map.valueSize)},
  } satisfies ${types} as ${types},`;
  });
  return `${MAP_INTERFACE}${[...scalars.values()].join('')}/** Every map, by its name without prefix and version. */
export const MAPS = {
${entries.join('\n')}
} as const;
`;
}

/** `dp_fdb_v1` -> `fdb`, if only one map has that name. */
function shortNames(maps: readonly MapLayout[], prefix: string): Map<string, string> {
  const strip = (name: string): string =>
    camel((name.startsWith(prefix) ? name.slice(prefix.length) : name).replace(/_v\d+$/, ''));
  const uses = new Map<string, number>();
  for (const map of maps) uses.set(strip(map.name), (uses.get(strip(map.name)) ?? 0) + 1);
  return new Map(
    maps.map(({ name }) => [name, uses.get(strip(name)) === 1 ? strip(name) : camel(name)]),
  );
}

function scalarName(type: IntegerType): string {
  return `${type.bigEndian ? 'be' : type.signed ? 's' : 'u'}${type.bytes * 8}`;
}

function scalarCodec(name: string, type: IntegerType): string {
  const ts = typeName(type);
  const words = `${type.bytes * 8} bits${type.bigEndian ? ', network byte order' : ''}`;
  return `/** A number of ${words}. */
export const ${name}: Codec<${ts}> = /* @__PURE__ */ codec(
  ${type.bytes},
  (view, offset, value) => ${write(type, type.bytes, 'offset', 'value').replace(/;$/, '')},
  (view, offset = 0) => ${read(type, 'offset')},
);
`;
}

function tsType(type: FieldType | undefined): string {
  if (type?.kind === 'struct') return pascal(type.name);
  return type?.kind === 'integer' ? typeName(type) : 'Uint8Array';
}

function cType(type: FieldType | undefined): string {
  if (type?.kind === 'struct') return type.name;
  return type?.kind === 'integer' ? scalarName(type) : '';
}
