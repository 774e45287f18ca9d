/**
 * Writes the TypeScript side of the contract from the BTF of the datapath's objects.
 *
 * gen-contract --out FILE --header HEADER OBJECT... write FILE if it differs
 * gen-contract --check --out FILE --header HEADER OBJECT... fail if it differs
 */

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { parseArgs } from 'node:util';
import { generate } from './contract/generate.js';

function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function main(): void {
  const { values, positionals } = parseArgs({
    options: {
      out: { type: 'string' },
      header: { type: 'string' },
      check: { type: 'boolean', default: false },
    },
    allowPositionals: true,
  });
  if (values.out === undefined || values.header === undefined || positionals.length === 0) {
    throw new Error('usage: gen-contract [--check] --out FILE --header HEADER OBJECT...');
  }
  const wanted = generate(values.header, positionals);
  if (wanted === readIfThere(values.out)) return;
  if (values.check) {
    throw new Error(`${values.out} is stale: run \`make build\` and commit what it writes`);
  }
  mkdirSync(dirname(values.out), { recursive: true });
  writeFileSync(values.out, wanted);
  console.log(`  GEN     ${values.out}`);
}

try {
  main();
} catch (error) {
  const lines = (error instanceof Error ? error.message : String(error)).split('\n');
  for (const line of lines) console.error(`gen-contract: ${line}`);
  process.exitCode = 1;
}
