import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { execa } from 'execa';
import { envName, type Flag, keyOf } from '../../src/cli/command-spec.js';
import { COMMANDS, GROUPS, shownCommands, verbs } from '../../src/cli/commands/table.js';
import { GLOBAL_FLAGS } from '../../src/cli/global-flags.js';
import { manPage } from '../../src/cli/reference/man.js';
import { cliMarkdown } from '../../src/cli/reference/markdown.js';
import { allSchemas } from '../../src/cli/schemas/index.js';
import { headOf, jsonKey } from '../../src/cli/schemas/schema.js';
import { verbOf } from '../../src/cli/verbs/table.js';
import { VERSION } from '../../src/cli/version.js';
import { command, testRequiring } from '../helpers/requirements.js';
import { dpctl } from './helpers/dpctl.js';

const file = (path: string): string =>
  readFileSync(fileURLToPath(new URL(`../../../${path}`, import.meta.url)), 'utf8');

test('docs/cli.md and docs/dpctl.8 match the table', (t) => {
  t.true(file('docs/cli.md') === cliMarkdown(), 'docs/cli.md is stale: make docs');
  t.true(file('docs/dpctl.8') === manPage(), 'docs/dpctl.8 is stale: make docs');
});

test('the version is that of package.json', (t) => {
  t.is(VERSION, JSON.parse(file('package.json')).version);
});

test('every command has its function, an example that names it, and schemas that exist', async (t) => {
  const schemas = allSchemas();
  for (const { path, examples, schemas: names, summary } of COMMANDS) {
    if (path !== 'help') t.is(typeof (await verbOf(path)), 'function', path);
    t.true(examples.length > 0, path);
    for (const { line } of examples) t.true(line.includes(`dpctl ${path}`), line);
    for (const name of names) t.true(schemas.has(name), `${path}: ${name}`);
    t.notRegex(summary, /\.$/);
  }
});

test('every first word of two has a summary', (t) => {
  const groups = verbs().filter((verb) => !COMMANDS.some(({ path }) => path === verb));
  t.deepEqual(groups.toSorted(), Object.keys(GROUPS).toSorted());
});

test('no two flags of a command share a name, a letter, a key or a variable', (t) => {
  const globals: readonly Flag[] = GLOBAL_FLAGS;
  const variables = new Set<string>();
  for (const { path, flags } of COMMANDS) {
    const all: Flag[] = [...flags, ...globals];
    for (const pick of [(f: Flag) => f.name, (f: Flag) => f.short ?? f.name, keyOf]) {
      const seen = all.map(pick);
      t.is(new Set(seen).size, seen.length, `${path}: ${seen.join(' ')}`);
    }
    for (const flag of flags) {
      const name = envName(path, flag);
      t.false(variables.has(name), name);
      variables.add(name);
      t.regex(name, /^DPCTL_[A-Z0-9_]+$/);
    }
  }
});

test('every example in the help parses', async (t) => {
  const { parse } = await import('../../src/cli/parse.js');
  for (const { examples, path } of shownCommands()) {
    for (const { line } of examples) {
      const words = /(?:^|\()dpctl ([^|>()]*)/.exec(line)?.[1]?.trim().split(' ') ?? [];
      const parsed = parse(words, {});
      if ('call' in parsed) t.is(parsed.call.command.path, path, line);
      else t.is(path, 'help', line);
    }
  }
});

test('a schema has one column a key, and heads without spaces', (t) => {
  for (const { name, columns, nameKey } of allSchemas().values()) {
    const keys = columns.map(jsonKey);
    t.is(new Set(keys).size, keys.length, name);
    t.true(
      columns.some(({ key }) => key === nameKey),
      `${name}: ${nameKey}`,
    );
    for (const column of columns) t.notRegex(headOf(column), /[\sa-z](?![^(]*\))/, column.key);
  }
});

test('help of every command is printed by the bundle', async (t) => {
  for (const { path } of shownCommands()) {
    const { code, stdout } = await dpctl([...path.split(' '), '--help']);
    t.is(code, 0);
    t.true(stdout.startsWith(`dpctl ${path}: `), path);
  }
});

testRequiring(command('groff'))('the man page is without a warning', async (t) => {
  const path = fileURLToPath(new URL('../../../docs/dpctl.8', import.meta.url));
  const { stderr, stdout } = await execa('groff', ['-man', '-ww', '-Tascii', '-P-cbou', path]);
  t.is(stderr, '');
  t.regex(stdout, /\nEXIT STATUS\n/);
});
