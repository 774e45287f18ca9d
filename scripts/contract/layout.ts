/** The contract's layout as read from BTF: facts only, no text. */

/** A number of 1, 2, 4 or 8 bytes; 8 bytes become a bigint. */
export interface IntegerType {
  readonly kind: 'integer';
  readonly bytes: 1 | 2 | 4 | 8;
  readonly signed: boolean;
  /** Declared `__be16`, `__be32` or `__be64`: in network byte order. */
  readonly bigEndian: boolean;
}

/** The layout of one member. `zero` is padding, and fields that only the kernel may write. */
export type FieldType =
  | IntegerType
  | { readonly kind: 'bool' }
  | { readonly kind: 'bytes'; readonly length: number }
  | { readonly kind: 'text'; readonly length: number }
  | {
      readonly kind: 'array';
      readonly of: FieldType;
      readonly count: number;
      readonly stride: number;
    }
  | { readonly kind: 'struct'; readonly name: string }
  | { readonly kind: 'zero' };

/** A member at its offset; offset and size in bytes. */
export interface FieldLayout {
  readonly name: string;
  readonly offset: number;
  readonly size: number;
  readonly type: FieldType;
}

/** A struct of the contract; its fields cover every one of its bytes. */
export interface StructLayout {
  readonly name: string;
  readonly size: number;
  readonly fields: readonly FieldLayout[];
}

/** An enum of the contract. */
export interface EnumLayout {
  readonly name: string;
  readonly values: readonly { readonly name: string; readonly value: number }[];
}

/** A map as the object defines it. A missing key or value type (ring buffers) is absent. */
export interface MapLayout {
  readonly name: string;
  readonly type: number;
  readonly maxEntries: number;
  readonly flags: number;
  readonly keySize: number;
  readonly valueSize: number;
  readonly key?: FieldType;
  readonly value?: FieldType;
}

/** All of it. */
export interface Layout {
  readonly structs: readonly StructLayout[];
  readonly enums: readonly EnumLayout[];
  readonly maps: readonly MapLayout[];
}
