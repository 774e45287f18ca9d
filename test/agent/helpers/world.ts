/** A node in a namespace of its own, an agent's API on it, and its clients. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DPCTL, PATH, type Ran, run } from '../../system/helpers/lab.js';

/** A response of the API. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly text: string;
  /** The body as JSON; undefined if it is not JSON. */
  readonly body: unknown;
}

/** A process that serves the API. */
export interface Serving {
  readonly process: ChildProcess;
  /** Its log so far. */
  log(): string;
  /** Whether it is still running. */
  isAlive(): boolean;
  stop(): Promise<void>;
}

export interface World {
  readonly node: string;
  readonly root: string;
  readonly socket: string;
  serve(): Promise<Serving>;
  /** Send a request; a body that is not a string is sent as JSON. */
  ask(method: string, path: string, body?: unknown, headers?: object): Promise<Answer>;
  /** The command line, in the agent's namespaces except for the network's, which is the node's. */
  dpctl(words: readonly string[], env?: Readonly<Record<string, string>>): Promise<Ran>;
  /** Create a container's namespace and return its name. */
  container(label: string): Promise<string>;
  /** Run a program in a namespace. */
  inside(ns: string, ...argv: string[]): Promise<Ran>;
  close(): Promise<void>;
}

const SERVE = fileURLToPath(new URL('./serve.js', import.meta.url));

let worlds = 0;

/** Make an empty node. */
export async function openWorld(): Promise<World> {
  const tag = `${process.pid}y${worlds++}`;
  const node = `da${tag}n`;
  const root = mkdtempSync(join(tmpdir(), 'dpctl-agent-'));
  const namespaces: string[] = [];
  const make = async (name: string): Promise<string> => {
    const { code, stderr } = await run(['ip', 'netns', 'add', name]);
    if (code !== 0) throw new Error(`ip netns add ${name}: ${stderr}`);
    namespaces.push(name);
    return name;
  };
  await make(node);
  await run(['ip', '-n', node, 'link', 'set', 'lo', 'up']);
  // Not `ip netns exec`, which also gives its command a mount namespace of its own.
  const enter = ['nsenter', `--net=/run/netns/${node}`, process.execPath];
  const socket = join(root, 'run/dpctl/agent.sock');
  const agents: Serving[] = [];
  const world: World = {
    ...{ node, root, socket },
    async serve() {
      const agent = await startServing([...enter, SERVE, root]);
      agents.push(agent);
      return agent;
    },
    ask: (method, path, body, headers = {}) => askSocket(socket, { method, path, body, headers }),
    dpctl: (words, env = {}) =>
      run([...enter, DPCTL, '--root', root, ...words], { env: { DPCTL_ROOT: root, ...env } }),
    container: (label) => make(`da${tag}${label}`),
    inside: (ns, ...argv) => run(['ip', 'netns', 'exec', ns, ...argv]),
    async close() {
      for (const agent of agents) await agent.stop();
      await world.dpctl(['reset', '--yes']);
      for (const ns of namespaces) await run(['ip', 'netns', 'del', ns]);
      rmSync(root, { recursive: true, force: true });
    },
  };
  return world;
}

async function startServing(argv: readonly string[]): Promise<Serving> {
  const [file = '', ...args] = argv;
  const child = spawn(file, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, PATH },
  });
  let text = '';
  child.stderr.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  const ended = once(child, 'exit');
  const first = await Promise.race([once(child.stdout, 'data'), ended.then(() => undefined)]);
  if (first === undefined) throw new Error(`it does not serve: ${text}`);
  const isAlive = (): boolean => child.exitCode === null && child.signalCode === null;
  return {
    process: child,
    isAlive,
    log: () => text,
    async stop() {
      if (!isAlive()) return;
      child.kill('SIGTERM');
      const late = setTimeout(() => child.kill('SIGKILL'), 15_000);
      await ended;
      clearTimeout(late);
    },
  };
}

interface Question {
  readonly method: string;
  readonly path: string;
  readonly body: unknown;
  readonly headers?: object;
}

/** Ask the API behind a socket. */
export function askSocket(
  socketPath: string,
  { method, path, body, headers = {} }: Question,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asking = request(
      { socketPath, method, path, headers: { ...headers }, agent: false, timeout: 60_000 },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString();
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            text,
            body: jsonOf(text),
          });
        });
      },
    );
    asking.on('timeout', () => asking.destroy(new Error(`${method} ${path}: no answer`)));
    asking.on('error', reject);
    if (body !== undefined) asking.write(typeof body === 'string' ? body : JSON.stringify(body));
    asking.end();
  });
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
