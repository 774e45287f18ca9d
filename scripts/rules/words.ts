/** Rules on words that a reader who knows the field would stumble over. */

import { findAll, type SourceFile, type Violation } from './source.js';

/** A phrase, and what to write instead. */
const PHRASES: readonly (readonly [RegExp, string])[] = [
  [/\b(is|are) had\b/gi, 'say who has it'],
  [/\bsaid again\b/gi, 'write repeated'],
  [/\boff a terminal\b/gi, 'write without a terminal'],
  [/\bwhoever\b/gi, 'name who it is'],
  [/\bwhatever (he|she)\b/gi, 'say what it is'],
  [/\b(he|she|him|his|her)\b/gi, 'name the node, the process or the person'],
  [/\btak(e|es|en|ing) (it|them|VXLAN|frames|packets) apart\b/gi, 'write decapsulate'],
  [/\btakes apart\b/gi, 'write decapsulates'],
  [/\bfarewells?\b/gi, 'write teardown'],
  [/\bas attach was told\b/gi, 'write as given to attach'],
  [
    /\bto (delete|forget|remove|detach) what is not there\b/gi,
    'say what happens if it does not exist',
  ],
  [/\bof (its|their|an endpoint's) own making\b/gi, 'write forged, or made by'],
  [/\bas many as it may\b/gi, 'write limit'],
];

/** The list itself, and the test cases of the rule. */
const MAY_NAME_THEM = new Set(['scripts/rules/words.ts', 'test/repo/rules.test.ts']);

/** Home-made phrases in code, comments, messages and docs. */
export function homeMade(files: readonly SourceFile[]): Violation[] {
  return files
    .filter(({ path }) => /\.(ts|c|h|sh|md)$/.test(path) && !MAY_NAME_THEM.has(path))
    .flatMap(({ path, text }) =>
      PHRASES.flatMap(([pattern, remedy]) =>
        findAll(path, text, pattern, ([phrase]) => `"${phrase}": ${remedy}`),
      ),
    );
}
