/**
 * Writes docs/cli.md and docs/dpctl.8 from the table of commands, docs/bench.schema.json from the schema
 * that checks a run of `bench`, and docs/openapi.json from the schemas that check the agent's requests.
 * gen-cli-docs write them
 * gen-cli-docs --check write nothing; exit with 1 and name each stale file
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { openapi } from '../src/agent/server/openapi.js';
import { resultSchema } from '../src/bench/report/schema.js';
import { manPage } from '../src/cli/reference/man.js';
import { cliMarkdown } from '../src/cli/reference/markdown.js';

const FILES: readonly (readonly [string, () => string])[] = [
  ['docs/cli.md', cliMarkdown],
  ['docs/dpctl.8', manPage],
  ['docs/bench.schema.json', () => `${JSON.stringify(resultSchema(), undefined, 2)}\n`],
  ['docs/openapi.json', () => `${JSON.stringify(openapi(), undefined, 2)}\n`],
];

const check = process.argv.includes('--check');
for (const [path, make] of FILES) {
  const text = make();
  if (!check) {
    mkdirSync('docs', { recursive: true });
    writeFileSync(path, text);
  } else if (textOf(path) !== text) {
    console.error(`${path} is not what the sources say; run make docs`);
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
