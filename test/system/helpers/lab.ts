/**
 * A node and its containers for one test: real namespaces, a root directory of its own, the built command
 * line. close() removes all of it, also after a failure.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { PATIENCE } from '../../helpers/patience.js';

/** The bundle that users run. */
export const DPCTL = fileURLToPath(new URL('../../../dpctl.cjs', import.meta.url));

/** The result of a command. */
export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Options of {@link Lab.dpctl}. */
export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Milliseconds; {@link COMMAND_MS} by default. */
  readonly timeout?: number;
  /** Its standard input; empty by default. */
  readonly stdin?: Uint8Array;
  /** Its working directory. */
  readonly cwd?: string;
}

/** A node in a namespace of its own. */
export interface Lab {
  /** Name of the node's namespace. */
  readonly node: string;
  readonly root: string;
  /** Run dpctl in the node's namespace; never throws. */
  dpctl(args: readonly string[], options?: RunOptions): Promise<Ran>;
  /** Run dpctl and return its JSON; throws with its stderr unless it exits with 0. */
  json<T>(args: readonly string[]): Promise<T>;
  /** Like json, without output. */
  must(...args: string[]): Promise<Ran>;
  /** Create a container's namespace and return its name. */
  container(label: string): Promise<string>;
  /** Run a program in a namespace; never throws. */
  inside(ns: string, argv: readonly string[], options?: RunOptions): Promise<Ran>;
  /** The same, and throws unless it exits with 0; returns its output. */
  within(ns: string, ...argv: string[]): Promise<string>;
  close(): Promise<void>;
}

let labs = 0;

/** Options of {@link openLab}. */
export interface LabOptions {
  /** Environment of every dpctl command. */
  readonly env?: Readonly<Record<string, string>>;
}

/** Create a lab. Names contain the pid, so that suites can run side by side. */
export async function openLab({ env = {} }: LabOptions = {}): Promise<Lab> {
  const tag = `${process.pid}x${labs++}`;
  const node = `dt${tag}n`;
  const root = mkdtempSync(join(tmpdir(), 'dpctl-lab-'));
  const namespaces = [node];
  await run(['ip', 'netns', 'add', node]);
  await run(['ip', '-n', node, 'link', 'set', 'lo', 'up']);
  const lab: Lab = {
    node,
    root,
    dpctl: (args, options) =>
      run(['ip', 'netns', 'exec', node, process.execPath, DPCTL, '--root', root, ...args], {
        ...options,
        // As for a user of a single root: hints need not repeat it.
        env: { DPCTL_ROOT: root, ...env, ...options?.env },
      }),
    async json<T>(args: readonly string[]) {
      const ran = await lab.dpctl([...args, '-o', 'json']);
      if (ran.code !== 0) throw new Error(`dpctl ${args.join(' ')}: ${ran.code}\n${ran.stderr}`);
      return JSON.parse(ran.stdout) as T;
    },
    async must(...args) {
      const ran = await lab.dpctl(args);
      if (ran.code !== 0) throw new Error(`dpctl ${args.join(' ')}: ${ran.code}\n${ran.stderr}`);
      return ran;
    },
    async container(label) {
      const ns = `dt${tag}${label}`;
      const { code, stderr } = await run(['ip', 'netns', 'add', ns]);
      if (code !== 0) throw new Error(`ip netns add ${ns}: ${stderr}`);
      namespaces.push(ns);
      return ns;
    },
    inside: (ns, argv, options) => run(['ip', 'netns', 'exec', ns, ...argv], options),
    async within(ns, ...argv) {
      const ran = await lab.inside(ns, argv);
      if (ran.code === 0) return ran.stdout;
      throw new Error(`${argv.join(' ')} in ${ns}: ${ran.code}\n${ran.stdout}\n${ran.stderr}`);
    },
    async close() {
      await lab.dpctl(['reset', '--yes']);
      for (const ns of namespaces) await run(['ip', 'netns', 'del', ns]);
      rmSync(root, { recursive: true, force: true });
    },
  };
  return lab;
}

/** A command that takes longer is stuck. */
const COMMAND_MS = 30_000 * PATIENCE;

/** npx puts the packages' commands first, and one of them is called nft. */
export const PATH = (process.env.PATH ?? '')
  .split(':')
  .filter((folder) => !folder.endsWith('node_modules/.bin'))
  .join(':');

/** Run a program; returns its exit code and output. */
export async function run(argv: readonly string[], options: RunOptions = {}): Promise<Ran> {
  const [file = '', ...args] = argv;
  const result = await execa(file, args, {
    reject: false,
    timeout: options.timeout ?? COMMAND_MS,
    env: { PATH, ...options.env },
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...(options.stdin === undefined ? { stdin: 'ignore' as const } : { input: options.stdin }),
  });
  return { code: result.exitCode ?? 255, stdout: result.stdout, stderr: result.stderr };
}
