export { layoutDifferences, typeName } from './btf/compare.js';
export { type ElfObject, type ElfSymbol, parseElf, readElf } from './btf/elf.js';
export { parseBtf } from './btf/parse.js';
export {
  findType,
  type MapDefinition,
  mapDefinitions,
  type ObjectBtf,
  readObjectBtf,
  resolve,
  sectionVariables,
  sizeOf,
  typeById,
  type Variable,
} from './btf/query.js';
export type {
  Btf,
  BtfEnumValue,
  BtfMember,
  BtfOf,
  BtfSectionVariable,
  BtfType,
} from './btf/types.js';
