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
  [/\bat the most\b/gi, 'write at most'],
  [/\bwhen left out\b/gi, 'write if not set, or by default'],
  [/\b(is|are) to be there\b/gi, 'say what is needed there'],
  [/\bgone for good\b/gi, 'write that it no longer exists'],
  [/\bof no use\b/gi, 'write no longer needed'],
  [/\bmend(s|ed|ing)?\b/gi, 'write repair'],
  [/\banew\b/gi, 'write again'],
  [/\bstands? in the way\b/gi, 'say what prevents it'],
  [/\b(as|than) asked\b/gi, 'write as requested'],
  [/\bnobody can be asked\b/gi, 'write without a terminal'],
  [
    /\b(labPlace|openStage|onStage|whyNotAlone|newWishes|newEar)\b/g,
    'use the name in docs/glossary.md',
  ],
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
