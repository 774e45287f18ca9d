/** The suites, their order, and their settings. */

import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/** One suite: a folder of test/, run with an environment of its own. */
export interface Suite {
  readonly name: string;
  /** Compiled test files, relative to the repository. */
  readonly files: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** One test at a time: the suite changes the machine that it runs on. */
  readonly serial: boolean;
  /** No other suite at the same time: it measures time. */
  readonly quiet: boolean;
  readonly timeoutSeconds: number;
  /** More arguments for ava. */
  readonly options?: readonly string[];
  /** Why the suite cannot run here at all. */
  readonly skip?: string;
}

interface Plan {
  readonly name: string;
  readonly folder?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly serial?: boolean;
  readonly quiet?: boolean;
  readonly timeoutSeconds?: number;
  readonly needsModule?: string;
}

/**
 * The quick and fundamental suites come first, then the longest, the short ones last: so the lanes end at
 * about the same time. Suites that measure time run alone at the end.
 */
const ORDER: readonly Plan[] = [
  { name: 'repo', serial: false },
  { name: 'loader', env: { DPCTL_FFI: 'koffi' } },
  {
    name: 'loader-ffi-napi',
    folder: 'loader',
    env: { DPCTL_FFI: 'ffi-napi' },
    needsModule: 'ffi-napi',
  },
  { name: 'model', serial: false },
  { name: 'linux' },
  { name: 'packet' },
  { name: 'faults', timeoutSeconds: process.env.DPCTL_FAULTS === 'all' ? 12_000 : 2700 },
  { name: 'overlay', timeoutSeconds: 2700 },
  { name: 'system', timeoutSeconds: 2700 },
  { name: 'lab', timeoutSeconds: 1800 },
  { name: 'errors', timeoutSeconds: 1800 },
  { name: 'control' },
  { name: 'agent', timeoutSeconds: 1800 },
  { name: 'cli' },
  { name: 'runtimes' },
  { name: 'cluster' },
  { name: 'endurance', timeoutSeconds: process.env.DPCTL_ENDURANCE_CYCLES ? 12_000 : 900 },
  { name: 'property', timeoutSeconds: 1800 },
  { name: 'interrupts', timeoutSeconds: process.env.DPCTL_INTERRUPTS ? 7_500 : 600 },
  { name: 'fuzz', timeoutSeconds: process.env.DPCTL_FUZZ_FRAMES ? 7200 : 600 },
  { name: 'store', serial: false },
  { name: 'observe' },
  { name: 'bench', quiet: true },
];

/** Folders of test/ that hold no tests of their own. */
const HELPERS = new Set(['helpers', 'bpf', 'fixtures']);

/**
 * Every suite of the repository, the listed ones first and in their order, the others by name.
 * @param root the repository's folder
 * @param only names of suites to keep; all if empty
 * @throws Error for an unknown name
 */
export function suites(root: string, only: readonly string[]): Suite[] {
  const folders = readdirSync(join(root, 'test'), { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !HELPERS.has(entry.name))
    .map((entry) => entry.name)
    .sort();
  const planned = ORDER.filter((plan) => folders.includes(plan.folder ?? plan.name));
  const listed = new Set(ORDER.map((plan) => plan.name));
  const rest = folders.filter((name) => !listed.has(name)).map((name) => ({ name }));
  const all = [...planned, ...rest];
  for (const name of only) {
    if (!all.some((plan) => plan.name === name)) {
      throw new Error(`no suite ${name}, only ${all.map((plan) => plan.name).join(', ')}`);
    }
  }
  return all
    .filter((plan) => only.length === 0 || only.includes(plan.name))
    .map((plan) => toSuite(root, plan));
}

function toSuite(root: string, plan: Plan): Suite {
  const module = plan.needsModule;
  const missing = module !== undefined && !existsSync(join(root, 'node_modules', module));
  return {
    name: plan.name,
    files: testFiles(root, join('test', plan.folder ?? plan.name)),
    env: plan.env ?? {},
    serial: plan.serial ?? true,
    quiet: plan.quiet ?? false,
    timeoutSeconds: plan.timeoutSeconds ?? 1200,
    ...(missing && { skip: `the optional package ${module} is not installed` }),
  };
}

/** From the sources, so that a deleted test that is still in dist/ never runs. */
function testFiles(root: string, folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.test.ts'))
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))
    .map((path) => join('dist', path.replace(/\.ts$/, '.js')))
    .sort();
}
