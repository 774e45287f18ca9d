/** Nodes of dpctl on one underlay, with the etcd of a test beside them. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { vtep4 } from '../../overlay/helpers/address-plan.js';
import { makeFabric } from '../../overlay/helpers/fabric.js';
import { DPCTL, type Ran, type RunOptions, run } from '../../system/helpers/lab.js';
import { type Running, start } from '../../system/helpers/process.js';
import type { Cluster } from './members.js';

/** A node with an underlay. Its commands run beside etcd, not in the node's namespace. */
export interface ClusterNode {
  readonly name: string;
  readonly root: string;
  readonly ns: string;
  dpctl(words: readonly string[], options?: RunOptions): Promise<Ran>;
  must(...words: string[]): Promise<Ran>;
  json<T>(...words: string[]): Promise<T>;
  join(...words: string[]): Promise<Ran>;
  agent(t: Pick<ExecutionContext, 'teardown'>, ...words: string[]): Promise<Running>;
}

/** What a test has. */
export interface Site {
  readonly nodes: readonly ClusterNode[];
  close(): Promise<void>;
}

/** Make nodes n1, n2 ... with an underlay each, in no cluster yet. */
export async function makeSite(cluster: Cluster, count: number): Promise<Site> {
  const fabric = makeFabric();
  const dir = mkdtempSync(join(tmpdir(), 'dpctl-site-'));
  const nodes: ClusterNode[] = [];
  for (let number = 1; number <= count; number++) {
    const ns = fabric.host(number);
    const root = join(dir, `n${number}`);
    const name = `n${number}`;
    const argv = [process.execPath, DPCTL, '--root', root];
    const inNode = ['ip', 'netns', 'exec', ns, ...argv];
    const env = { DPCTL_ROOT: root };
    const set = await run([...inNode, 'underlay', 'set', 'under0', '--vtep', vtep4(number)], {
      env,
    });
    if (set.code !== 0) throw new Error(set.stderr);
    const dpctl = (words: readonly string[], options: RunOptions = {}): Promise<Ran> =>
      run([...argv, ...words], { ...options, env: { ...env, ...options.env } });
    const must = async (...words: string[]): Promise<Ran> => {
      const ran = await dpctl(words);
      if (ran.code !== 0)
        throw new Error(`${name}: ${words.join(' ')}: ${ran.code}\n${ran.stderr}`);
      return ran;
    };
    nodes.push({
      ...{ name, root, ns, dpctl, must },
      async json<T>(...words: string[]) {
        return JSON.parse((await must(...words, '-o', 'json')).stdout) as T;
      },
      join: (...words) => dpctl([...joinWords(cluster), '--name', name, ...words]),
      async agent(t, ...words) {
        const running = start(
          t,
          '',
          [...argv, 'agent', '--interval', '1h', '--log-format', 'json', ...words],
          { env },
        );
        await running.says(/the first full look is done/, 30_000);
        return running;
      },
    });
  }
  return {
    nodes,
    async close() {
      for (const { dpctl } of nodes) await dpctl(['reset', '--yes']);
      fabric.close();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** `cluster join` at an etcd, with the certificate of the user dpctl. */
export function joinWords({ endpoints, certificates }: Cluster): string[] {
  const { caPath, dpctl } = certificates;
  return [
    ...['cluster', 'join', `etcd://${endpoints.join(',')}`, '--ca', caPath],
    ...['--cert', dpctl.certPath, '--key', dpctl.keyPath],
  ];
}
