/** Many containers on one network, attached by one process: 2,000 starts of a program take minutes. */
import { readFileSync, writeFileSync } from 'node:fs';
import { closeFd, openFd } from '../../../loader/sys/files.js';
import { inNetns } from '../../../loader/sys/netns.js';
import type { EndpointRow } from '../../../src/api/endpoint.js';
import { attach } from '../../../src/control/endpoint/attach.js';
import { openNode } from '../../../src/control/node/node.js';
import { counters } from './counters.js';
import { type Lab, run } from './lab.js';
import { eventually } from './process.js';

/** Containers, to which more can be added. */
export interface Crowd {
  readonly members: readonly EndpointRow[];
  /** Milliseconds of each attach, in order. */
  readonly times: readonly number[];
  /** Create this many more containers and attach them. */
  grow(count: number): Promise<void>;
  /** Delete the namespaces at once. The endpoints stay recorded until reconcile or reset. */
  close(): Promise<void>;
}

/** No containers yet, on a network of a node that is already in use. */
export function newCrowd(lab: Lab, network: string): Crowd {
  const names: string[] = [];
  const members: EndpointRow[] = [];
  const times: number[] = [];
  return {
    members,
    times,
    async grow(count) {
      const more = Array.from({ length: count }, (_, n) => `${lab.node}c${names.length + n}`);
      names.push(...more);
      await batch(more.map((name) => `netns add ${name}`));
      for (const ns of more) {
        silence(ns);
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
    },
    async close() {
      const all = names.splice(0);
      if (all.length > 0) await batch(all.map((name) => `netns del ${name}`));
    },
  };
}

/** Router solicitations are off: thousands at the same moment fill every queue. */
export function silence(ns: string): void {
  const fd = openFd(`/run/netns/${ns}`);
  try {
    const key = '/proc/sys/net/ipv6/conf/default/router_solicitations';
    inNetns(fd, () => writeFileSync(key, '0'));
  } finally {
    closeFd(fd);
  }
}

async function batch(lines: readonly string[]): Promise<void> {
  const stdin = Buffer.from(`${lines.join('\n')}\n`);
  const { code, stderr } = await run(['ip', '-force', '-batch', '-'], { stdin, timeout: 120_000 });
  if (code !== 0) throw new Error(stderr.slice(0, 1000));
}

/**
 * UDP broadcasts that arrived in a namespace without a receiver: the stack counts them, so no program must
 * run in each of 2,000 namespaces.
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
 * Wait until the containers have finished duplicate address detection and joined their groups. If all do so
 * at the same moment, they need more copies than a CPU's queue holds.
 */
export async function quiet(lab: Lab): Promise<void> {
  let last = -1;
  const isQuiet = async () => {
    const before = last;
    last = (await counters(lab)).reason('flood_copy');
    return last === before;
  };
  await eventually(isQuiet, 30_000, 3000);
}

/** Do something with each, a few at a time. @returns the results, in the same order */
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
