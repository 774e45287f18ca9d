import test from 'ava';
import { checkRules, RULES, repositoryFiles } from '../../scripts/rules/all.js';
import { codeOf, violationLine } from '../../scripts/rules/source.js';

const ROOT = new URL('../../..', import.meta.url).pathname;

/** For each rule: files that break it, with the line, and similar files that do not. */
const CASES: Readonly<
  Record<
    string,
    {
      bad: readonly (readonly [string, string, number])[];
      good: readonly (readonly [string, string])[];
    }
  >
> = {
  wrongWay: {
    bad: [
      ['src/datapath/a.ts', "import { x } from '../control/b.js';\n", 1],
      ['src/linux/a.ts', "import { x } from '../datapath/b.js';\n", 1],
      ['src/linux/b.ts', "import { x } from '../model/plan/plan.js';\n", 1],
      ['src/model/a.ts', "\nimport type { X } from '../linux/b.js';\n", 2],
      ['src/model/b.ts', "import { m } from '../../loader/map/entry.js';\n", 1],
      ['loader/a.ts', "export * from '../src/model/b.js';\n", 1],
      ['src/observe/a.ts', "const b = await import('../lab/b.js');\n", 1],
      ['src/control/a.ts', "import { status } from '../observe/status/status.js';\n", 1],
      ['src/lab/a.ts', "import {\n  x,\n  y,\n} from '../cli/b.js';\n", 1],
      ['src/contract/a.ts', "import '../model/b.js';\n", 1],
    ],
    good: [
      ['src/model/a.ts', "import { DpctlError } from '../../loader/errors.js';\n"],
      ['src/linux/b.ts', "import { parseIp } from '../model/address/ip.js';\n"],
      ['src/linux/a.ts', "// import { x } from '../control/b.js';\n"],
      ['src/bench/a.ts', "import { attach } from '../control/endpoint/attach.js';\n"],
      ['test/model/a.ts', "import { x } from '../../src/cli/main.js';\n"],
      ['src/cli/a.ts', "const help = `import { x } from '../cli/b.js'`;\n"],
    ],
  },
  cycles: {
    bad: [
      ['src/model/a.ts', "import { b } from './b.js';\n", 1],
      ['src/model/b.ts', "import { c } from './c.js';\n", 0],
      ['src/model/c.ts', "import { a } from './a.js';\n", 0],
    ],
    good: [
      ['src/model/a.ts', "import { b } from './b.js';\n"],
      ['src/model/b.ts', "import type { A } from './a.js';\n"],
    ],
  },
  systemTouched: {
    bad: [
      ['src/control/a.ts', "import { spawnSync } from 'node:child_process';\n", 1],
      ['src/cli/a.ts', "\nimport { execa } from 'execa';\n", 2],
      ['src/observe/a.ts', "const load = read('/proc/loadavg');\n", 1],
    ],
    good: [
      ['src/linux/a.ts', "import { execa } from 'execa';\nread('/proc/sys/net');\n"],
      ['src/control/a.ts', "const ns = '/proc/self/ns/net'; // not '/proc/1/ns/net'\n"],
    ],
  },
  impureModel: {
    bad: [['src/model/a.ts', "import { readFileSync } from 'node:fs';\n", 1]],
    good: [['src/model/a.ts', "import { z } from 'zod/mini';\n"]],
  },
  pointers: {
    bad: [
      ['src/linux/a.ts', "import { bind } from '../../loader/ffi/seam.js';\n", 1],
      ['src/linux/b.ts', "const k = load('koffi');\n", 1],
    ],
    good: [['src/linux/a.ts', "import { mapGet } from '../../loader/map/entry.js';\n"]],
  },
  bareDrop: {
    bad: [
      ['bpf/a.h', 'int f(void)\n{\n\treturn TC_ACT_SHOT;\n}\n', 3],
      ['bpf/b.bpf.c', 'return XDP_DROP;\n', 1],
    ],
    good: [
      ['bpf/report.h', 'return TC_ACT_SHOT;\n'],
      ['bpf/a.h', '/* never TC_ACT_SHOT here */\nreturn TC_ACT_OK;\n'],
    ],
  },
  anyType: {
    bad: [
      ['src/model/a.ts', 'const a = b as any;\n', 1],
      ['test/model/a.ts', '\nfunction f(x: any[]): void {}\n', 2],
    ],
    good: [['src/model/a.ts', "/** any of them */\nconst any1 = Promise.any(['any']);\n"]],
  },
  compilerOff: {
    bad: [['src/model/a.ts', `// ${'@'}ts-ignore\n`, 1]],
    good: [['src/model/a.ts', '// ts-ignore is not for us\n']],
  },
  putOff: {
    bad: [
      ['bpf/a.h', `/* ${'TO'}${'DO'}: later */\n`, 1],
      ['docs/a.md', `\n${'FIX'}${'ME'}\n`, 2],
    ],
    good: [['docs/a.md', 'What is to do\n']],
  },
  skippedTest: {
    bad: [
      ['test/model/a.test.ts', `test${'.skip'}('x', () => {});\n`, 1],
      ['test/model/b.test.ts', `\nconst t = test${'.only'};\n`, 2],
    ],
    good: [['test/helpers/requirements.ts', `test${'.skip'}('x', () => {});\n`]],
  },
  classes: {
    bad: [['src/model/a.ts', '\nexport class Model {}\n', 2]],
    good: [
      ['loader/errors.ts', 'export class DpctlError extends Error {}\n'],
      ['src/model/a.ts', '// a class of networks\n'],
    ],
  },
  spelledCommand: {
    bad: [['src/model/a.ts', "\nconst hint = 'try: dpctl network list';\n", 2]],
    good: [
      ['src/model/a.ts', '// dpctl network list\nconst hint = run`network list`;\n'],
      ['src/model/a.ts', "const text = 'dpctl is there';\n"],
      ['src/cli/commands/a.ts', "const example = 'dpctl network list';\n"],
    ],
  },
  undocumented: {
    bad: [['src/model/a.ts', 'const a = 1;\nexport function f(): void {}\n', 2]],
    good: [
      ['src/model/a.ts', '/** Does it. */\nexport function f(): void {}\nfunction g(): void {}\n'],
      ['test/helpers/a.ts', 'export function f(): void {}\n'],
    ],
  },
  tooLong: {
    bad: [
      ['src/model/a.ts', '\n'.repeat(251), 251],
      ['bpf/a.bpf.c', '\n'.repeat(251), 251],
      ['bpf/fdb/a.h', '\n'.repeat(300), 300],
    ],
    good: [
      ['src/model/a.ts', '\n'.repeat(250)],
      ['bpf/a.bpf.c', '\n'.repeat(250)],
      ['bpf/fdb/a.h', '\n'.repeat(250)],
      ['test/fuzz/native/send.c', '\n'.repeat(251)],
      ['src/contract/generated.ts', '\n'.repeat(999)],
    ],
  },
  machineBound: {
    bad: [
      ['scripts/a.sh', `cd ${'/wo'}rk/main\n`, 1],
      ['README.md', `\n[x](${'/ho'}me/me/x)\n`, 2],
      ['.npmrc.md', `registry.${'npm'}js.org\n`, 1],
    ],
    good: [['scripts/a.sh', 'cd src/work/main; cat /root.txt; cd ~/root/x\n']],
  },
  overfull: {
    bad: Array.from({ length: 17 }, (_, i) => [`src/lab/m${10 + i}.ts`, '', i === 0 ? 1 : 0]),
    good: [
      ...Array.from({ length: 16 }, (_, i): [string, string] => [`src/lab/m${i}.ts`, '']),
      ...Array.from({ length: 17 }, (_, i): [string, string] => [`src/cli/verbs/v${i}.ts`, '']),
    ],
  },
  besideFolder: {
    bad: [
      ['src/model/plan.ts', 'export const a = 1;\n', 1],
      ['src/model/plan/step.ts', 'export const b = 1;\n', 0],
    ],
    good: [
      ['src/model/plan/plan.ts', 'export const a = 1;\n'],
      ['src/model/planner.ts', 'export const b = 1;\n'],
    ],
  },
  forwarding: {
    bad: [
      [
        'src/lab/a.ts',
        "/** All. */\nexport { b } from './b.js';\nexport type { C } from './c.js';\n",
        1,
      ],
      ['src/lab/b.ts', "export * from './c.js';\n", 1],
    ],
    good: [
      ['src/lab/a.ts', "export { b } from './b.js';\nexport const c = 1;\n"],
      ['src/lab/b.ts', '// nothing yet\n'],
    ],
  },
  deadExport: {
    bad: [
      ['src/lab/a.ts', '/** A. */\nexport function lonely() {}\nlonely();\n', 2],
      ['loader/b.ts', '// lonelier is told of here alone\nexport const lonelier = 1;\n', 2],
    ],
    good: [
      ['src/lab/a.ts', 'export function used() {}\nexport interface Shape {}\n'],
      ['src/lab/b.ts', 'export const one = 1;\n'],
      ['src/lab/c.ts', "import { used } from './a.js';\nimport * as b from './b.js';\n"],
      ['loader/d.ts', 'export async function later() {}\n'],
      ['test/e.ts', "const { later } = await import('../loader/d.js');\nexport const own = 1;\n"],
    ],
  },
  homeMade: {
    bad: [
      ['docs/a.md', 'Fast.\nWhoever runs it wins.\n', 2],
      ['src/lab/a.ts', '// Said again, it works.\n', 1],
      ['bpf/a.h', '/* The kernel takes VXLAN apart. */\n', 1],
      ['src/lab/a.ts', "const text = 'one subnet at the most';\n", 1],
      ['src/lab/b.ts', '// Mends it.\n', 1],
      ['src/lab/c.ts', '\nconst labPlace = 1;\n', 2],
    ],
    good: [
      ['docs/a.md', 'The first that runs it wins.\n'],
      ['src/lab/a.ts', "const head = 'the';\n"],
    ],
  },
};

test('every rule has cases here', (t) => {
  t.deepEqual(Object.keys(CASES).sort(), Object.keys(RULES).sort());
});

for (const [name, { bad, good }] of Object.entries(CASES)) {
  test(`rule ${name} finds what breaks it, at its line`, (t) => {
    const rule = RULES[name];
    const files = bad.map(([path, text]) => ({ path, text }));
    const expected = bad.filter(([, , line]) => line > 0).map(([path, , line]) => ({ path, line }));
    t.deepEqual(
      rule?.(files).map(({ path, line }) => ({ path, line })),
      expected,
    );
  });

  test(`rule ${name} leaves alone what only looks like it`, (t) => {
    const files = good.map(([path, text]) => ({ path, text }));
    t.deepEqual(RULES[name]?.(files).map(violationLine), []);
  });
}

test('the text of comments, strings and patterns is no code', (t) => {
  const source = 'a(/"/, "x // y", \'z\', `q\n1`); /* w\n */ b = c / d; // e\nf';
  t.is(codeOf(source).replace(/ +/g, ' '), 'a( , , , \n ); \n b = c / d; \nf');
});

test('this repository keeps every rule', (t) => {
  const files = repositoryFiles(ROOT);
  t.true(files.length > 50, 'the files were found');
  t.deepEqual(checkRules(files).map(violationLine), []);
});
