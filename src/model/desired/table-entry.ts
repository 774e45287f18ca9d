/**
 * Entries of the datapath's tables as values: desired state asks for them, plans compare them, and the
 * datapath room writes them. The contract defines their bytes.
 */
import { MAPS } from '../../contract/generated.js';

/** Names of the tables, as in the contract. */
export type TableName = keyof typeof MAPS;
export type KeyOf<N extends TableName> = ReturnType<(typeof MAPS)[N]['key']['decode']>;
export type ValueOf<N extends TableName> = ReturnType<(typeof MAPS)[N]['value']['decode']>;

/** One entry as bytes: what plans compare and write. */
export interface RawEntry {
  readonly table: TableName;
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

/** An entry of a table from typed key and value. */
export function tableEntry<N extends TableName>(
  table: N,
  key: KeyOf<N>,
  value: ValueOf<N>,
): RawEntry {
  const codec = MAPS[table].value as unknown as { encode(value: ValueOf<N>): Uint8Array };
  return { table, key: tableKey(table, key), value: codec.encode(value) };
}

/** A table key as bytes. */
export function tableKey<N extends TableName>(table: N, key: KeyOf<N>): Uint8Array {
  const codec = MAPS[table].key as unknown as { encode(value: KeyOf<N>): Uint8Array };
  return codec.encode(key);
}

/** Decode a table key. */
export function decodeKey<N extends TableName>(table: N, bytes: Uint8Array): KeyOf<N> {
  return MAPS[table].key.decode(viewOf(bytes)) as KeyOf<N>;
}

/** Decode a table value (for a per-CPU table: that of the CPU at the offset). */
export function decodeValue<N extends TableName>(
  table: N,
  bytes: Uint8Array,
  offset = 0,
): ValueOf<N> {
  return MAPS[table].value.decode(viewOf(bytes), offset) as ValueOf<N>;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** BPF_MAP_TYPE_ARRAY (2) and BPF_MAP_TYPE_PERCPU_ARRAY (6): every entry always exists. */
export function isArrayTable(table: TableName): boolean {
  const type: number = MAPS[table].type;
  return type === 2 || type === 6;
}
