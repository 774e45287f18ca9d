/**
 * A real etcd of three members on loopback, with TLS for clients and between members, and with users.
 * All of its files are in one temporary directory.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type Etcd, openEtcd } from '../../../src/store/etcd/client.js';
import type { EtcdSettings } from '../../../src/store/etcd/wire/link.js';
import { type Check, once as checkOnce, command } from '../../helpers/requirements.js';
import { type Certificate, makeAuthority } from './certificates.js';

/** Where the set-up unpacks it, if the machine has none of its own. */
const UNPACKED = fileURLToPath(new URL('../../../../.etcd/bin', import.meta.url));
const binary = (name: string): string =>
  existsSync(join(UNPACKED, name)) ? join(UNPACKED, name) : name;

/** etcd's programs. */
export const etcd: Check = checkOnce('etcd', () =>
  existsSync(join(UNPACKED, 'etcd')) || command('etcd')() === undefined ? undefined : 'etcd',
);

/** Password of the users `root` and `dpctl`. */
export const PASSWORD = 'correct horse';
/** Milliseconds until a cluster is up on a busy machine. */
const UP = 30_000;

/** One member. */
export interface Cluster {
  readonly dir: string;
  /** HOST:PORT of each member. */
  readonly endpoints: readonly string[];
  readonly certificates: {
    readonly ca: Buffer;
    readonly caPath: string;
    /** Of the user dpctl, and of a user that etcd does not know. */
    readonly dpctl: Certificate;
    readonly nobody: Certificate;
  };
  /** The settings of a client for the user dpctl. */
  settings(more?: Partial<EtcdSettings>): EtcdSettings;
  /** A client that is closed with the cluster. */
  client(more?: Partial<EtcdSettings>): Etcd;
  /** As root, at the named members; at all by default. */
  ctl(words: readonly string[], members?: readonly number[]): string;
  /** The members that do not run. */
  start(...members: number[]): void;
  kill(signal: NodeJS.Signals, ...members: number[]): Promise<void>;
  /** Wait until the store answers. */
  ready(): Promise<void>;
  /** Copy the data of stopped members, and replace all members' data by it. */
  backUp(name: string): void;
  restore(name: string): void;
  close(): Promise<void>;
}

/** Start three members and create the users. */
export async function startCluster(): Promise<Cluster> {
  const dir = mkdtempSync(join(tmpdir(), `dpctl-etcd-${process.pid}-`));
  const ports = await freePorts(6);
  const authority = makeAuthority(join(dir, 'pki'));
  const member = authority.issue('member');
  const root = authority.issue('root');
  const endpoints = ports.slice(0, 3).map((port) => `127.0.0.1:${port}`);
  const peers = ports.slice(3).map((port) => `https://127.0.0.1:${port}`);
  const running = new Map<number, ChildProcess>();
  const clients: Etcd[] = [];
  const settings = (more: Partial<EtcdSettings> = {}): EtcdSettings => ({
    endpoints,
    tls: {
      ca: authority.ca,
      cert: cluster.certificates.dpctl.cert,
      key: cluster.certificates.dpctl.key,
    },
    ...more,
  });
  const dataOf = (index: number): string => join(dir, `member${index}`);

  const cluster: Cluster = {
    dir,
    endpoints,
    certificates: {
      ca: authority.ca,
      caPath: authority.caPath,
      dpctl: authority.issue('dpctl'),
      nobody: makeAuthority(join(dir, 'other')).issue('dpctl'),
    },
    settings,
    client(more) {
      const made = openEtcd(settings(more));
      clients.push(made);
      return made;
    },
    ctl(words, members = [0, 1, 2]) {
      return execFileSync(
        binary('etcdctl'),
        [
          `--endpoints=${members.map((index) => endpoints[index]).join()}`,
          `--cacert=${authority.caPath}`,
          `--cert=${root.certPath}`,
          `--key=${root.keyPath}`,
          ...words,
        ],
        { env: { ...process.env, ETCDCTL_API: '3' }, encoding: 'utf8', timeout: UP, stdio: 'pipe' },
      );
    },
    start(...members) {
      for (const index of members) {
        if (running.has(index)) continue;
        const log = openSync(join(dir, `member${index}.log`), 'a');
        const child = spawn(
          binary('etcd'),
          [
            `--name=member${index}`,
            `--data-dir=${dataOf(index)}`,
            `--listen-client-urls=https://${endpoints[index]}`,
            `--advertise-client-urls=https://${endpoints[index]}`,
            `--listen-peer-urls=${peers[index]}`,
            `--initial-advertise-peer-urls=${peers[index]}`,
            `--initial-cluster=${peers.map((url, each) => `member${each}=${url}`).join()}`,
            '--initial-cluster-state=new',
            ...['--heartbeat-interval=50', '--election-timeout=500', '--auth-token=simple'],
            ...['--client-cert-auth', '--peer-client-cert-auth'],
            ...[
              `--trusted-ca-file=${authority.caPath}`,
              `--peer-trusted-ca-file=${authority.caPath}`,
            ],
            ...[`--cert-file=${member.certPath}`, `--peer-cert-file=${member.certPath}`],
            ...[`--key-file=${member.keyPath}`, `--peer-key-file=${member.keyPath}`],
          ],
          { stdio: ['ignore', log, log] },
        );
        closeSync(log);
        running.set(index, child);
      }
    },
    async kill(signal, ...members) {
      for (const index of members) {
        const child = running.get(index);
        if (child === undefined) continue;
        child.kill(signal);
        if (signal !== 'SIGKILL' && signal !== 'SIGTERM') continue;
        running.delete(index);
        // A new one must find the data unlocked.
        if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
      }
    },
    async ready() {
      const end = Date.now() + UP;
      for (;;) {
        try {
          cluster.ctl(['get', 'any']);
          return;
        } catch (error) {
          if (Date.now() > end) throw error;
          await sleep(100);
        }
      }
    },
    backUp(name) {
      mkdirSync(join(dir, name));
      for (const index of [0, 1, 2]) {
        cpSync(dataOf(index), join(dir, name, `member${index}`), { recursive: true });
      }
    },
    restore(name) {
      for (const index of [0, 1, 2]) {
        rmSync(dataOf(index), { recursive: true, force: true });
        cpSync(join(dir, name, `member${index}`), dataOf(index), { recursive: true });
      }
    },
    async close() {
      for (const client of clients) client.close();
      await cluster.kill('SIGKILL', 0, 1, 2);
      rmSync(dir, { recursive: true, force: true });
    },
  };

  cluster.start(0, 1, 2);
  await cluster.ready();
  for (const words of [
    ['user', 'add', `root:${PASSWORD}`],
    ['user', 'add', `dpctl:${PASSWORD}`],
    ['role', 'add', 'dpctl'],
    ['role', 'grant-permission', '--prefix=true', 'dpctl', 'readwrite', '/'],
    ['user', 'grant-role', 'dpctl', 'dpctl'],
    ['user', 'grant-role', 'root', 'root'],
    ['auth', 'enable'],
  ]) {
    cluster.ctl(words);
  }
  return cluster;
}

/** etcd's log, for a failed test. */
export function logOf(cluster: Cluster, member: number): string {
  return readFileSync(join(cluster.dir, `member${member}.log`), 'utf8').slice(-4000);
}

/** Free ports: opened and closed again, as the kernel does not reuse them for a while. */
async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  await Promise.all(servers.map((server) => once(server, 'listening')));
  const ports = servers.map((server) => {
    const address = server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  });
  await Promise.all(servers.map((server) => once(server.close(), 'close')));
  return ports;
}
