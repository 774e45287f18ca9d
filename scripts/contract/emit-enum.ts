/** TypeScript for an enum: its values, the names that users see, and the text behind each. */

import type { Described } from './comments.js';
import { docComment } from './emit-text.js';
import type { EnumLayout } from './layout.js';
import { camel, commonPrefix, pascal } from './names.js';

interface Value {
  readonly name: string;
  readonly value: number;
  readonly text: string;
}

/**
 * @param layout numbers, from BTF
 * @param described comments, from the header
 */
export function emitEnum(layout: EnumLayout, described: Described | undefined): string {
  const prefix = commonPrefix(
    layout.name,
    layout.values.map((value) => value.name),
  );
  const values: Value[] = [];
  const bounds: string[] = [];
  for (const { name, value } of layout.values) {
    const text = described?.members.get(name) ?? '';
    // A bound is the size of a table, and no value that anything has.
    if (/_(MAX|COUNT|END)$/.test(name)) {
      bounds.push(`${docComment(text || `One more than the highest of enum ${layout.name}.`)}
export const ${name} = ${value};
`);
    } else {
      values.push({ name: name.slice(prefix.length), value, text });
    }
  }
  const type = pascal(layout.name);
  const isFlags = /_flags$/.test(layout.name);
  return [
    `${docComment(described?.doc || `enum ${layout.name}`)}
export const ${type} = {
${values.map(valueLine).join('\n')}
} as const;
/** A number of {@link ${type}}. */
export type ${type} = (typeof ${type})[keyof typeof ${type}];
/** A name of {@link ${type}}, as users see it. */
export type ${type}Name = Lowercase<keyof typeof ${type}>;
`,
    ...bounds,
    isFlags ? emitFlags(type, layout.name) : emitNames(type, layout.name, values),
    values.some((value) => value.text !== '') ? emitTexts(type, layout.name, values) : '',
  ].join('');
}

function valueLine({ name, value, text }: Value): string {
  const doc = text === '' ? '' : `  /** ${text} */\n`;
  return `${doc}  ${/^[A-Z_]\w*$/.test(name) ? name : JSON.stringify(name)}: ${value},`;
}

function emitNames(type: string, name: string, values: readonly Value[]): string {
  return `const ${camel(name)}Names: ReadonlyMap<number, ${type}Name> = new Map([
${values.map((value) => `  [${value.value}, ${JSON.stringify(value.name.toLowerCase())}],`).join('\n')}
]);
/** The name of a number of enum ${name}; \`unknown_N\` for one that a newer datapath may know. */
export function nameOf${type}(value: number): ${type}Name | \`unknown_\${number}\` {
  return ${camel(name)}Names.get(value) ?? \`unknown_\${value}\`;
}
`;
}

function emitFlags(type: string, name: string): string {
  return `/** The names of the bits that are set, lowest first; \`bit_N\` for one without a name. */
export function ${camel(name)}ToNames(flags: number): string[] {
  return bitNames(flags, ${type});
}
/** The bits of the given names. @throws RangeError for a name that enum ${name} does not have */
export function ${camel(name)}FromNames(names: readonly string[]): number {
  return namedBits(names, ${type}, ${JSON.stringify(name)});
}
`;
}

function emitTexts(type: string, name: string, values: readonly Value[]): string {
  return `const ${camel(name)}Texts: ReadonlyMap<number, string> = new Map([
${values.map(({ value, text }) => `  [${value}, ${JSON.stringify(text)}],`).join('\n')}
]);
/** What a number of enum ${name} means, in a line for people; empty for one that has no text. */
export function describe${type}(value: number): string {
  return ${camel(name)}Texts.get(value) ?? '';
}
`;
}
