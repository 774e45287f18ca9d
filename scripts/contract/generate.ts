/** The contract's TypeScript, from a header with its includes and the objects that include it. */

import { readObjectBtf } from '../../loader/btf/query.js';
import { parseHeader } from './comments.js';
import { emitContract } from './emit.js';
import { layoutOf } from './from-btf.js';
import { readHeader } from './header.js';

/**
 * The text of src/contract/generated.ts.
 * @throws Error that lists what the contract cannot express or the objects lack
 */
export function generate(headerPath: string, objects: readonly string[]): string {
  const header = parseHeader(readHeader(headerPath));
  const layout = layoutOf(objects.map(readObjectBtf), {
    structs: [...header.structs.keys()],
    enums: [...header.enums.keys()],
  });
  return emitContract(layout, header);
}
