/** A node on which dpctl has made one of everything, and the state of the machine before. */
import { readdirSync, readFileSync } from 'node:fs';
import type { ExecutionContext } from 'ava';
import { attach } from '../../../src/control/endpoint/attach.js';
import { fdbAdd } from '../../../src/control/network/fdb.js';
import { networkAdd } from '../../../src/control/network/network.js';
import { openLabNode } from '../../helpers/node.js';
import { differences, type Snapshot, takeSnapshot } from '../../helpers/snapshot.js';
import { type Lab, openLab, type Ran } from '../../system/helpers/lab.js';
import { pinnedObjects, survivors } from './objects.js';

/** A node and the containers that {@link fill} attaches. */
export interface Machine {
  readonly lab: Lab;
  /** Attached to two networks. */
  readonly plain: string;
  /** Its veth existed before, with settings of its own. */
  readonly adopted: string;
  /** A name without a namespace: dpctl creates it. */
  readonly made: string;
  /** The state before dpctl was used. */
  readonly before: Snapshot;
  look(): Promise<Snapshot>;
}

/** Set up a machine on which dpctl was never used, and remove it again. */
export async function onMachine(
  t: ExecutionContext,
  use: (machine: Machine) => Promise<void>,
): Promise<void> {
  t.timeout(240_000);
  const lab = await openLab();
  try {
    const [plain, adopted] = [await lab.container('p'), await lab.container('a')];
    // No namespace yet, but its name is cleaned up too.
    const made = await lab.container('m');
    await lab.within(lab.node, 'ip', 'netns', 'del', made);
    await makeVeth(lab, adopted);
    const look = (): Promise<Snapshot> => takeSnapshot(lab, [plain, adopted, made]);
    await use({ lab, plain, adopted, made, before: await look(), look });
  } finally {
    await lab.close();
  }
}

async function makeVeth(lab: Lab, ns: string): Promise<void> {
  const veth = ['type', 'veth', 'peer', 'name', 'eth0', 'netns', ns];
  await lab.within(lab.node, 'ip', 'link', 'add', 'vh0', 'mtu', '1400', ...veth);
  await lab.within(lab.node, 'ip', 'link', 'set', 'vh0', 'alias', 'somebody', 'mtu', '1400', 'up');
  const inner = ['ip', 'link', 'set', 'eth0'];
  await lab.within(ns, ...inner, 'address', '02:00:00:00:00:99', 'mtu', '1400', 'up');
  await lab.within(ns, 'ip', 'addr', 'add', '10.66.0.200/24', 'dev', 'eth0');
}

/** Use everything that leaves traces: a gateway, a namespace made by dpctl, an adopted veth, learned MACs. */
export async function fill({ lab, plain, adopted, made }: Machine): Promise<void> {
  const node = openLabNode(lab);
  try {
    const subnets = ['10.66.0.0/24', 'fd66::/64'];
    await networkAdd(node, { name: 'lan', subnets, gateway: true, masquerade: true });
    await networkAdd(node, { name: 'big', subnets: ['10.67.0.0/24'], bigTcp: true });
    await attach(node, { ns: plain });
    await attach(node, { ns: plain, network: 'big', ifname: 'eth1' });
    await attach(node, { ns: adopted, network: 'lan', allowPrefixes: ['198.51.100.0/24'] });
    await attach(node, { ns: made, network: 'lan', create: true, lock: false });
    await fdbAdd(node, { mac: '02:00:00:00:11:11', ns: plain, network: 'default' });
  } finally {
    node.close();
  }
  await lab.within(made, 'ping', '-c', '1', '-W', '1', '10.66.0.1');
}

/** Run reset as a command. */
export function reset({ lab }: Machine, env: Readonly<Record<string, string>> = {}): Promise<Ran> {
  return lab.dpctl(['reset', '--yes'], { env });
}

/** Whatever is done: afterwards nothing of dpctl is left, and everything else is as before. */
export async function expectNothingLeft(
  t: ExecutionContext,
  machine: Machine,
  when: string,
  act: () => Promise<unknown> = async () => {
    const { code, stderr } = await reset(machine);
    t.is(code, 0, `${when}: ${stderr}`);
  },
): Promise<void> {
  const objects = pinnedObjects(machine.lab.root);
  await act();
  t.deepEqual(differences(machine.before, await machine.look()), [], when);
  t.deepEqual(await survivors(objects), [], `${when}: objects in the kernel`);
  t.deepEqual(processesOf(machine.lab.root), [], `${when}: processes`);
}

/** Command lines that name a root directory. */
function processesOf(root: string): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(commandLine)
    .filter((line) => line.includes(root));
}

function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
  } catch {
    return '';
  }
}
