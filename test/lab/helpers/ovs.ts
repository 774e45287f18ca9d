/**
 * Open vSwitch with a database and a switch process of its own in the foreign node's namespace, and all of
 * its files in a directory of its own: the machine's own switch is not touched.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ExecutionContext } from 'ava';
import { type Check, command, once } from '../../helpers/requirements.js';
import { run } from '../../system/helpers/lab.js';
import { eventually, type Running, start } from '../../system/helpers/process.js';

/** Where the set-up unpacks it, if the machine has none of its own. */
const UNPACKED = fileURLToPath(new URL('../../../../.openvswitch', import.meta.url));
const isUnpacked = existsSync(join(UNPACKED, 'bin/ovs-vswitchd'));

/** Who forwards: the switch process itself, or the kernel's module. */
export type Datapath = 'netdev' | 'system';

/** A running switch. */
export interface OpenVswitch {
  /** `ovs-vsctl`, which waits until the switch has applied the change; throws with its error output. */
  vsctl(...words: string[]): Promise<void>;
  /** Stop it. */
  close(): Promise<void>;
}

/** Open vSwitch's programs. */
export const openvswitch: Check = once('openvswitch', () =>
  isUnpacked || command('ovs-vswitchd')() === undefined ? undefined : 'Open vSwitch',
);

/** TUN/TAP devices for the packets of a process. */
export const tun: Check = () => (existsSync('/dev/net/tun') ? undefined : '/dev/net/tun');

/** The kernel's module of Open vSwitch; the check loads it. */
export const kernelDatapath: Check = once('openvswitch datapath', () => {
  const asked = spawnSync('genl', ['ctrl', 'get', 'name', 'ovs_datapath'], { encoding: 'utf8' });
  return asked.status === 0 && asked.stdout.includes('ovs_datapath')
    ? undefined
    : "the kernel's openvswitch";
});

/** A program, or a file that comes with it. */
function binary(name: string): string {
  return isUnpacked ? join(UNPACKED, 'bin', name) : name;
}

function schema(): string {
  const file = 'usr/share/openvswitch/vswitch.ovsschema';
  return join(isUnpacked ? UNPACKED : '/', file);
}

/** Start it in a namespace, without a bridge yet. Close it before the namespace is deleted. */
export async function startSwitch(
  t: Pick<ExecutionContext, 'teardown'>,
  ns: string,
  datapath: Datapath,
): Promise<OpenVswitch> {
  const dir = mkdtempSync(join(tmpdir(), 'dpctl-ovs-'));
  const socket = join(dir, 'db.sock');
  const env = {
    ...(isUnpacked && { LD_LIBRARY_PATH: join(UNPACKED, 'libs') }),
    ...{ OVS_RUNDIR: dir, OVS_LOGDIR: dir, OVS_DBDIR: dir, OVS_SYSCONFDIR: dir },
  };
  const running: Running[] = [];
  const must = async (name: string, ...words: string[]) => {
    const ran = await run([binary(name), ...words], { env });
    if (ran.code !== 0) throw new Error(`${name} ${words.join(' ')}: ${ran.code}\n${ran.stderr}`);
  };
  const close = async () => {
    for (const each of running.reverse()) await each.stop();
    rmSync(dir, { recursive: true, force: true });
  };
  try {
    await must('ovsdb-tool', 'create', join(dir, 'conf.db'), schema());
    const database = [binary('ovsdb-server'), join(dir, 'conf.db'), `--remote=punix:${socket}`];
    running.push(start(t, ns, database, { env }));
    if (!(await eventually(() => existsSync(socket)))) {
      throw new Error(`no database: ${running[0]?.output().stderr}`);
    }
    const vsctl = (...words: string[]) =>
      must('ovs-vsctl', `--db=unix:${socket}`, '--timeout=20', ...words);
    await vsctl('--no-wait', 'init');
    const words = datapath === 'netdev' ? ['--disable-system'] : [];
    running.push(start(t, ns, [binary('ovs-vswitchd'), `unix:${socket}`, ...words], { env }));
    return { vsctl, close };
  } catch (error) {
    await close();
    throw error;
  }
}
