/** Several nodes for one test: a lab as `dpctl lab up` makes it, with a name of its own. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { closeFd, openFd } from '../../../loader/sys/files.js';
import { inNetns } from '../../../loader/sys/netns.js';
import { type Node, openNode } from '../../../src/control/node/node.js';
import { PATIENCE } from '../../helpers/patience.js';
import { DPCTL, type Ran, type RunOptions, run } from '../../system/helpers/lab.js';

/** A running lab. */
export interface Nodes {
  readonly name: string;
  /** Directory for --root: where the lab keeps its files. */
  readonly root: string;
  /** Namespace of a node (n1) or an endpoint (n1e1). */
  ns(where: string): string;
  /** Root directory of a node. */
  rootOf(where: string): string;
  /** `dpctl lab ...` on this lab; never throws. */
  lab(...args: string[]): Promise<Ran>;
  /** dpctl on a node; never throws. */
  dpctl(where: string, args: readonly string[], options?: RunOptions): Promise<Ran>;
  /** The same, and throws unless it exits with 0. */
  must(where: string, ...args: string[]): Promise<Ran>;
  /** The same, and returns its JSON. */
  json<T>(where: string, ...args: string[]): Promise<T>;
  /** Run a program in a node or endpoint; throws unless it exits 0. */
  within(where: string, ...argv: string[]): Promise<string>;
  /** Create a namespace that belongs to the lab but is no endpoint yet; it is removed with the lab. */
  container(where: string): Promise<string>;
  /** A node in this process. The caller closes it. */
  open(where: string): Node;
  close(): Promise<void>;
}

let labs = 0;

/** Create a lab. Names contain the pid, so that suites can run side by side. */
export async function openNodes(...options: string[]): Promise<Nodes> {
  const nodes = prepareNodes();
  const ran = await nodes.lab('up', ...options);
  if (ran.code === 0) return nodes;
  await nodes.close();
  throw new Error(`lab up ${options.join(' ')}: ${ran.code}\n${ran.stderr}`);
}

/** A lab that is not up yet. */
export function prepareNodes(): Nodes {
  const name = `t${process.pid}x${labs++}`;
  const root = mkdtempSync(join(tmpdir(), 'dpctl-nodes-'));
  const rootOf = (where: string): string =>
    join(root, 'run/dpctl-lab', name, /^n\d+/.exec(where)?.[0] ?? where);
  const nodes: Nodes = {
    name,
    root,
    ns: (where) => `${name}-${where}`,
    rootOf,
    // A lab is dozens of commands, and the machine may be busy.
    lab: (verb = '', ...args) =>
      run([process.execPath, DPCTL, '--root', root, 'lab', verb, '--name', name, ...args], {
        timeout: 120_000 * PATIENCE,
      }),
    dpctl: (where, args, options) =>
      run(
        [
          ...['ip', 'netns', 'exec', nodes.ns(where), process.execPath, DPCTL],
          ...['--root', rootOf(where), ...args],
        ],
        { ...options, env: { DPCTL_ROOT: rootOf(where), ...options?.env } },
      ),
    async must(where, ...args) {
      const ran = await nodes.dpctl(where, args);
      if (ran.code === 0) return ran;
      throw new Error(`${where}: dpctl ${args.join(' ')}: ${ran.code}\n${ran.stdout}${ran.stderr}`);
    },
    async json<T>(where: string, ...args: string[]) {
      return JSON.parse((await nodes.must(where, ...args, '-o', 'json')).stdout) as T;
    },
    async within(where, ...argv) {
      const ran = await run(['ip', 'netns', 'exec', nodes.ns(where), ...argv]);
      if (ran.code === 0) return ran.stdout;
      throw new Error(`${argv.join(' ')} in ${where}: ${ran.code}\n${ran.stdout}\n${ran.stderr}`);
    },
    async container(where) {
      const ns = nodes.ns(where);
      const ran = await run(['ip', 'netns', 'add', ns]);
      if (ran.code !== 0) throw new Error(`ip netns add ${ns}: ${ran.stderr}`);
      return ns;
    },
    open(where) {
      const fd = openFd(`/run/netns/${nodes.ns(where)}`);
      try {
        return inNetns(fd, () => {
          const node = openNode({ root: rootOf(where) });
          node.netnsFd();
          return node;
        });
      } finally {
        closeFd(fd);
      }
    },
    async close() {
      const down = await nodes.lab('down');
      if (down.code !== 0) throw new Error(`lab down: ${down.code}\n${down.stderr}`);
      rmSync(root, { recursive: true, force: true });
    },
  };
  return nodes;
}

/** Run a test with a lab and remove it afterwards. */
export async function onNodes(
  options: readonly string[],
  use: (nodes: Nodes) => Promise<void>,
): Promise<void> {
  const nodes = await openNodes(...options);
  try {
    await use(nodes);
  } catch (error) {
    // The first error matters; a lab that cannot be removed is its consequence.
    await nodes.close().catch((left) => console.error(left));
    throw error;
  }
  await nodes.close();
}

/** Addresses of an endpoint of a lab. */
export function addressOf(node: number, endpoint: number, network = 1): string {
  return `10.${209 + network}.${node}.${endpoint}`;
}

/** The same for IPv6. */
export function address6Of(node: number, endpoint: number, network = 1): string {
  return `fd00:${209 + network}::${node.toString(16)}:${endpoint.toString(16)}`;
}
