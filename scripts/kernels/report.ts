/**
 * Prints the results of a matrix run, and fails if a kernel failed; with --write, writes all present
 * results into the document.
 */

import { readFileSync, writeFileSync } from 'node:fs';
import { readResults, verdictOf } from './results.js';
import { markdown, summary } from './tables.js';

const BEGIN = '<!-- written by the runs: begin -->';
const END = '<!-- written by the runs: end -->';

function replaceBlock(document: string, block: string): string {
  const from = document.indexOf(BEGIN);
  const to = document.indexOf(END);
  if (from < 0 || to < from) throw new Error(`the document has no ${BEGIN} ... ${END}`);
  return `${document.slice(0, from)}${BEGIN}\n\n${block}\n\n${document.slice(to)}`;
}

const [folder, ...words] = process.argv.slice(2);
if (folder === undefined) throw new Error('report FOLDER [--write DOCUMENT] [KERNEL...]');
if (words[0] === '--write') {
  const document = words[1] ?? 'docs/kernels.md';
  const results = readResults(folder, words.slice(2));
  writeFileSync(document, replaceBlock(readFileSync(document, 'utf8'), markdown(results)));
} else {
  const results = readResults(folder, words);
  process.stdout.write(summary(results));
  const wanted = words.length === 0 ? results.length : words.length;
  const count = (verdict: string): number =>
    results.filter((result) => verdictOf(result) === verdict).length;
  const failed = wanted - count('works') - count('refused');
  const refused = count('refused') > 0 ? `, ${count('refused')} refused as too old` : '';
  process.stdout.write(`${count('works')} kernels work${refused}, ${failed} failed\n`);
  if (wanted === 0 || failed > 0) process.exitCode = 1;
}
