/** Many containers on one network, made from one process: 2,000 starts of a program take minutes. */
import { readFileSync } from 'node:fs';
import { closeFd, inNetns, openFd } from '../../../loader/sys.js';
import { attach, type EndpointRow, openNode } from '../../../src/control/api.js';
import { counters } from './counters.js';
import { type Lab, run } from './lab.js';
import { eventually } from './process.js';

/** A crowd. */
export interface Crowd {
  readonly members: readonly EndpointRow[];
  /** Milliseconds of each attach, in their order. */
  readonly times: readonly number[];
  /** Delete the namespaces, at once. The endpoints stay recorded until reconcile or reset. */
  close(): Promise<void>;
}

/** Make that many containers and attach them; the lab's node must have been used before. */
export async function makeCrowd(lab: Lab, count: number, network: string): Promise<Crowd> {
  const names = Array.from({ length: count }, (_, n) => `${lab.node}c${n}`);
  let there = false;
  const close = async () => {
    if (there) await batch(names.map((name) => `netns del ${name}`));
    there = false;
  };
  const members: EndpointRow[] = [];
  const times: number[] = [];
  try {
    there = true;
    await batch(names.map((name) => `netns add ${name}`));
    for (const ns of names) {
      const node = openNode({ root: lab.root });
      try {
        const start = performance.now();
        const { endpoints } = await attach(node, { ns, network });
        times.push(performance.now() - start);
        members.push(...endpoints);
      } finally {
        node.close();
      }
    }
  } catch (error) {
    await close();
    throw error;
  }
  return { members, times, close };
}

async function batch(lines: readonly string[]): Promise<void> {
  const stdin = Buffer.from(`${lines.join('\n')}\n`);
  const { code, stderr } = await run(['ip', '-force', '-batch', '-'], { stdin, timeout: 120_000 });
  if (code !== 0) throw new Error(stderr.slice(0, 1000));
}

/**
 * UDP broadcasts that came into a namespace and that no program there was waiting for: the stack
 * counts them by themselves, so no program need run in each of 2,000 namespaces.
 */
export function broadcastsIgnored(ns: string): number {
  const fd = openFd(`/run/netns/${ns}`);
  try {
    const text = inNetns(fd, () => readFileSync('/proc/self/net/snmp', 'utf8'));
    const [names, values] = text
      .split('\n')
      .filter((line) => line.startsWith('Udp: '))
      .map((line) => line.split(' '));
    return Number(values?.[names?.indexOf('IgnoredMulti') ?? -1]);
  } finally {
    closeFd(fd);
  }
}

/**
 * Wait until nobody looks for a router any more. New interfaces do so in the same moment, and then
 * more copies are to be made at once than a CPU's queue takes (net.core.netdev_max_backlog).
 */
export async function quiet(lab: Lab): Promise<void> {
  let last = -1;
  await eventually(
    async () => {
      const before = last;
      last = (await counters(lab)).reason('flood_copy');
      return last === before;
    },
    30_000,
    5000,
  );
}

/** Do something with each, a few at a time. @returns what it gave, in the same order */
export async function inParallel<T, R>(
  all: readonly T[],
  act: (each: T) => Promise<R>,
  width = 8,
): Promise<R[]> {
  const results: R[] = [];
  let next = 0;
  const worker = async () => {
    while (next < all.length) {
      const index = next++;
      results[index] = await act(all[index] as T);
    }
  };
  await Promise.all(Array.from({ length: width }, worker));
  return results;
}
