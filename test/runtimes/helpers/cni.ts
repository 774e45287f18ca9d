/** What a runtime does with CNI plugins, as libcni does it: a chain of plugins with results handed on. */
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DPCTL, type Lab, run } from '../../system/helpers/lab.js';

const CLIENT = fileURLToPath(new URL('../../../cni/dpctl-cni', import.meta.url));
/** Debian's containernetworking-plugins. */
const STANDARD = '/usr/lib/cni';

export const VERSIONS = ['0.3.1', '0.4.0', '1.0.0', '1.1.0'] as const;

/** A plugin's configuration, without what the network adds to it. */
export type Plugin = Readonly<Record<string, unknown>> & { readonly type: string };

/** A network configuration: a chain of plugins. */
export interface Chain {
  readonly cniVersion: string;
  readonly name: string;
  readonly plugins: readonly Plugin[];
}

/** What tests look at in results and error objects. */
export interface Output {
  readonly code: number;
  readonly msg: string;
  readonly details: string;
  readonly interfaces: readonly { readonly name: string; readonly mac: string }[];
  readonly ips: readonly { readonly address: string }[];
}

/** What a plugin printed, and its exit code. */
export interface Said {
  readonly code: number;
  readonly stdout: string;
  /** A result or an error object, as the caller's version has it. */
  readonly output: Output | undefined;
}

/** An interface of a container. */
export interface Container {
  readonly id: string;
  /** Name of its namespace. */
  readonly ns: string;
  readonly ifname?: string;
  /** What the runtime grants: port mappings, bandwidth, ips ... */
  readonly runtimeConfig?: object;
  readonly args?: string;
}

/** How a plugin is called. */
export interface CallOptions {
  readonly env?: Readonly<Record<string, string>>;
}

/** The plugins as a runtime on a node calls them. */
export interface Runtime {
  /** Call dpctl's plugin with one configuration. */
  call(
    verb: string,
    config: unknown,
    to?: Partial<Container>,
    options?: CallOptions,
  ): Promise<Said>;
  /** ADD by each plugin in order. @returns the last result, or the first error */
  add(chain: Chain, to: Container, options?: CallOptions): Promise<Said>;
  /** DEL by each plugin in reverse. @param result what ADD gave, if the runtime still knows */
  del(chain: Chain, to: Container, result?: unknown): Promise<readonly Said[]>;
  check(chain: Chain, to: Container, result: unknown): Promise<readonly Said[]>;
  close(): void;
}

/** A runtime in a lab's node. Plugins are found in a folder of its own, where dpctl's is `dpctl-cni`. */
export function runtimeOn(lab: Lab): Runtime {
  const data = mkdtempSync(join(tmpdir(), 'dpctl-cni-'));
  mkdirSync(join(data, 'leases'));
  const path = [STANDARD, join(CLIENT, '..')].join(':');
  const exec = async (
    file: string,
    verb: string,
    config: unknown,
    to: Partial<Container>,
    { env = {} }: CallOptions,
  ): Promise<Said> => {
    const { id = '', ns, ifname = 'eth0', args = '' } = to;
    const text = typeof config === 'string' ? config : JSON.stringify(config);
    // Not `ip netns exec`: a runtime's mount namespace is the agent's.
    const { code, stdout, stderr } = await run(['nsenter', `--net=/run/netns/${lab.node}`, file], {
      stdin: Buffer.from(text),
      env: {
        ...{ CNI_COMMAND: verb, CNI_CONTAINERID: id, CNI_IFNAME: ifname, CNI_ARGS: args },
        ...{ CNI_NETNS: ns === undefined ? '' : `/run/netns/${ns}`, CNI_PATH: path },
        ...{ DPCTL_ROOT: lab.root, DPCTL_PROGRAM: DPCTL },
        ...env,
      },
    });
    // A test that has it killed knows that.
    if (code > 1 && env.DPCTL_FAULT === undefined) throw new Error(`${verb}: ${code} ${stderr}`);
    return { code, stdout, output: stdout === '' ? undefined : (JSON.parse(stdout) as Output) };
  };
  const one = (chain: Chain, plugin: Plugin, to: Container, prevResult?: unknown): object => ({
    ...plugin,
    ...{ cniVersion: chain.cniVersion, name: chain.name },
    ...(plugin.ipam !== undefined && {
      ipam: { dataDir: join(data, 'leases'), ...(plugin.ipam as object) },
    }),
    ...(to.runtimeConfig !== undefined && { runtimeConfig: to.runtimeConfig }),
    ...(prevResult !== undefined && { prevResult }),
  });
  const fileOf = ({ type }: Plugin): string =>
    type === 'dpctl-cni' ? CLIENT : join(STANDARD, type);
  return {
    call: (verb, config, to = {}, options = {}) => exec(CLIENT, verb, config, to, options),
    async add(chain, to, options = {}) {
      let said: Said = { code: 0, stdout: '', output: undefined };
      for (const plugin of chain.plugins) {
        const config = one(chain, plugin, to, said.output);
        said = await exec(fileOf(plugin), 'ADD', config, to, options);
        if (said.code !== 0) return said;
      }
      return said;
    },
    async del(chain, to, result) {
      const all: Said[] = [];
      for (const plugin of [...chain.plugins].reverse()) {
        all.push(await exec(fileOf(plugin), 'DEL', one(chain, plugin, to, result), to, {}));
      }
      return all;
    },
    async check(chain, to, result) {
      const all: Said[] = [];
      for (const plugin of chain.plugins) {
        all.push(await exec(fileOf(plugin), 'CHECK', one(chain, plugin, to, result), to, {}));
      }
      return all;
    },
    close: () => rmSync(data, { recursive: true, force: true }),
  };
}

/** Looks for Debian's standard plugins. */
export function standardPlugins(): string | undefined {
  return existsSync(join(STANDARD, 'portmap'))
    ? undefined
    : 'the standard CNI plugins: apt-get install containernetworking-plugins';
}
