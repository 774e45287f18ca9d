/**
 * Writes docs/cli.md and docs/dpctl.8 from the table of commands.
 *   gen-cli-docs           write them
 *   gen-cli-docs --check   write nothing; exit 1 and name each file that is not up to date
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { manPage } from '../src/cli/reference/man.js';
import { cliMarkdown } from '../src/cli/reference/markdown.js';

const FILES: readonly (readonly [string, () => string])[] = [
  ['docs/cli.md', cliMarkdown],
  ['docs/dpctl.8', manPage],
];

const check = process.argv.includes('--check');
for (const [path, make] of FILES) {
  const text = make();
  if (!check) {
    mkdirSync('docs', { recursive: true });
    writeFileSync(path, text);
  } else if (textOf(path) !== text) {
    console.error(`${path} is not what src/cli/commands.ts says; run make docs`);
    process.exitCode = 1;
  }
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
