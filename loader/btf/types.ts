/** A field of a struct or union. */
export interface BtfMember {
  readonly name: string;
  readonly type: number;
  /** From the start of the struct, in bits; divide by 8 unless it is a bit field. */
  readonly bitOffset: number;
  /** Width of a bit field, 0 for an ordinary field. */
  readonly bitSize: number;
}

/** A named value of an enum; a bigint only where a 64-bit enum needs one. */
export interface BtfEnumValue {
  readonly name: string;
  readonly value: number | bigint;
}

/** A variable of a section, offset and size in bytes. */
export interface BtfSectionVariable {
  readonly type: number;
  readonly offset: number;
  readonly size: number;
}

/** Kinds that only refer to another type. */
export type BtfReferenceKind =
  | 'ptr'
  | 'typedef'
  | 'volatile'
  | 'const'
  | 'restrict'
  | 'typeTag'
  | 'func'
  | 'var';

interface Common {
  readonly id: number;
  /** '' for an anonymous type. */
  readonly name: string;
}

/** A type of the BTF section. Sizes are in bytes; `type` and `element` are type ids. */
export type BtfType = Common &
  (
    | { readonly kind: 'void' }
    | {
        readonly kind: 'int';
        readonly size: number;
        readonly signed: boolean;
        readonly bool: boolean;
        readonly bits: number;
      }
    | { readonly kind: 'float'; readonly size: number }
    | { readonly kind: BtfReferenceKind; readonly type: number }
    | {
        readonly kind: 'array';
        readonly element: number;
        readonly index: number;
        readonly length: number;
      }
    | {
        readonly kind: 'struct' | 'union';
        readonly size: number;
        readonly members: readonly BtfMember[];
      }
    | {
        readonly kind: 'enum';
        readonly size: number;
        /** clang before 15 never sets this, so its negative values are read as large ones. */
        readonly signed: boolean;
        readonly values: readonly BtfEnumValue[];
      }
    | { readonly kind: 'fwd'; readonly union: boolean }
    | {
        readonly kind: 'funcProto';
        readonly result: number;
        readonly parameters: readonly { readonly name: string; readonly type: number }[];
      }
    | {
        readonly kind: 'datasec';
        readonly size: number;
        readonly variables: readonly BtfSectionVariable[];
      }
    | { readonly kind: 'declTag'; readonly type: number; readonly component: number }
  );

/** A type of one kind. */
export type BtfOf<K extends BtfType['kind']> = BtfType & { readonly kind: K };

/** All types, indexed by id; type 0 is void. */
export interface Btf {
  readonly types: readonly BtfType[];
}
