/** The complete generated file, from BTF (facts) and the header (comments). */

import type { HeaderText } from './comments.js';
import { emitEnum } from './emit-enum.js';
import { emitMaps } from './emit-map.js';
import { emitStruct } from './emit-struct.js';
import { docComment, HELPERS, PREAMBLE } from './emit-text.js';
import type { Layout } from './layout.js';

/** The prefix of map names, which separates them from other programs' maps. */
const MAP_PREFIX = 'dp_';

/** The text of src/contract/generated.ts. */
export function emitContract(layout: Layout, header: HeaderText): string {
  const body = [
    header.defines
      .map(({ name, value, doc }) => `${docComment(doc || name)}\nexport const ${name} = ${value};`)
      .join('\n'),
    ...layout.enums.map((it) => emitEnum(it, header.enums.get(it.name))),
    ...layout.structs.map((it) => emitStruct(it, header.structs.get(it.name))),
    emitMaps(layout.maps, MAP_PREFIX),
  ]
    .filter((part) => part !== '')
    .join('\n');
  return `${PREAMBLE}${helpersFor(body)}\n${body}`;
}

/** The helpers that the text calls, and those that they call. */
function helpersFor(body: string): string {
  const used = new Set<string>();
  const visit = (text: string): void => {
    for (const [name, source] of Object.entries(HELPERS)) {
      if (used.has(name) || !text.includes(`${name}(`)) continue;
      used.add(name);
      visit(source);
    }
  };
  visit(body);
  return Object.entries(HELPERS)
    .filter(([name]) => used.has(name))
    .map(([, source]) => source)
    .join('');
}
