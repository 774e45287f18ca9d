import { type ObjectBtf, resolve, sectionVariables, type Variable } from '../btf/query.js';
import { DpctlError } from '../errors.js';

/** A value for a load-time constant; bytes for anything but integers, in the C layout. */
export type Constant = number | bigint | boolean | Uint8Array;

/** A constant's bytes and where they go in its section. */
export interface ConstantPatch {
  readonly section: string;
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/**
 * Encode load-time constants (`const volatile` variables) by their BTF types, little-endian.
 * @throws DpctlError CONSTANT_UNKNOWN or CONSTANT_VALUE, exit 70: the caller and the object
 * disagree, which is a bug of ours
 */
export function encodeConstants(
  object: ObjectBtf,
  path: string,
  constants: Readonly<Record<string, Constant>>,
): readonly ConstantPatch[] {
  const known = new Map<string, Variable & { section: string }>();
  for (const section of object.elf.sections.keys()) {
    if (!section.startsWith('.rodata')) continue;
    for (const variable of sectionVariables(object, section)) {
      known.set(variable.name, { ...variable, section });
    }
  }
  return Object.entries(constants).map(([name, value]) => {
    const variable = known.get(name);
    if (!variable) {
      const names = [...known.keys()].sort();
      throw new DpctlError(
        'CONSTANT_UNKNOWN',
        `${path} has no load-time constant ${name}; it has ${names.join(', ') || 'none'}`,
        { exitCode: 70, details: { path, constant: name, known: names } },
      );
    }
    return {
      section: variable.section,
      offset: variable.offset,
      bytes: encode(object, variable, value),
    };
  });
}

function encode(object: ObjectBtf, variable: Variable, value: Constant): Uint8Array {
  const { name, size } = variable;
  const wrong = (why: string) =>
    new DpctlError('CONSTANT_VALUE', `load-time constant ${name}: ${why}`, {
      exitCode: 70,
      details: { constant: name, size },
    });
  if (value instanceof Uint8Array) {
    if (value.byteLength !== size) throw wrong(`${value.byteLength} bytes given, ${size} wanted`);
    return value;
  }
  const type = resolve(object, variable.type);
  if (type.kind !== 'int' && type.kind !== 'enum') {
    throw wrong(`it is of kind ${type.kind}, not an integer; give its ${size} bytes`);
  }
  if (typeof value === 'number' && !Number.isSafeInteger(value)) {
    throw wrong(`${value} is no integer`);
  }
  const wide = BigInt(value);
  const bits = size * 8;
  const fits = type.signed
    ? BigInt.asIntN(bits, wide) === wide
    : BigInt.asUintN(bits, wide) === wide;
  if (!fits)
    throw wrong(`${value} does not fit ${type.signed ? 'signed' : 'unsigned'} ${bits} bits`);
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt.asUintN(64, wide), true);
  return bytes.subarray(0, size);
}
