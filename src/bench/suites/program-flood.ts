/** Flooding of a frame to many ports: the datapath against a Linux bridge, with real devices. */
import { join } from 'node:path';
import { attachTcx } from '../../../loader/link/attach.js';
import { closeFd } from '../../../loader/sys/files.js';
import { inNetns } from '../../../loader/sys/netns.js';
import { linkDump } from '../../linux/netlink/link.js';
import { withRtnl } from '../../linux/netlink/socket.js';
import { NETNS_DIR } from '../../linux/netns.js';
import { sysctlSet } from '../../linux/sysctl.js';
import type { Effort, Measure, Readings, Subject } from '../measure/measure.js';
import { quantile } from '../measure/method.js';
import { compileNative } from '../measure/native.js';
import { CLIENT_CPU, run } from '../measure/process.js';
import { openWorld, putNetwork, putPort, stationOf } from '../subjects/bare-datapath.js';
import type { Namespace, Sandbox } from '../subjects/sandbox.js';

/** Numbers of ports that a frame is copied to. A bridge has at most 1,023 ports. */
const PORTS = [10, 100, 1000] as const;
/** Number of frames per sample. */
const FRAMES = { full: 200, quick: 50 } as const;

/** Namespaces of a subject: switch, sender, and receiver of all copies. */
interface FloodSetup {
  readonly hub: Namespace;
  readonly sender: Namespace;
  readonly sink: Namespace;
}

/** Names of the host ends; index 0 is the sender, whose far end has the same name. */
const deviceOf = (ports: number, index: number): string => `p${ports}x${index}`;

/**
 * Create the devices of a subject: a set of ports for each number of ports. IPv6 is disabled, because the
 * devices would flood each other with multicast (MLD, ND).
 */
async function openFloodSetup(
  sandbox: Sandbox,
  label: string,
  bridge: boolean,
): Promise<FloodSetup> {
  const setup = {
    hub: sandbox.namespace(`${label}-hub`),
    sender: sandbox.namespace(`${label}-sender`),
    sink: sandbox.namespace(`${label}-sink`),
  };
  for (const { fd } of Object.values(setup)) {
    sysctlSet(fd, 'net/ipv6/conf/default/disable_ipv6', '1');
  }
  const { hub, sender, sink } = setup;
  const lines = PORTS.flatMap((ports) => [
    ...(bridge ? [`link add br${ports} up type bridge`] : []),
    ...Array.from({ length: ports + 1 }, (_, index) => {
      const name = deviceOf(ports, index);
      const far = index === 0 ? sender : sink;
      const master = bridge ? [`link set ${name} master br${ports}`] : [];
      return [`link add ${name} up type veth peer name ${name} netns ${far.name}`, ...master];
    }).flat(),
  ]);
  await batch(hub, lines);
  const up = (index: number) => (ports: number) => `link set ${deviceOf(ports, index)} up`;
  await batch(sender, PORTS.map(up(0)));
  await batch(
    sink,
    PORTS.flatMap((ports) => Array.from({ length: ports }, (_, index) => up(index + 1)(ports))),
  );
  return setup;
}

async function batch({ name }: Namespace, lines: readonly string[]): Promise<void> {
  await run(['ip', '-n', name, '-batch', '-'], { input: `${lines.join('\n')}\n` });
}

/** Attach the datapath to the host ends of the senders, and add all ports to the flood lists. */
function openDatapath(sandbox: Sandbox, { hub, sender }: FloodSetup): void {
  const world = openWorld(sandbox);
  const devices = new Map(
    withRtnl(hub.fd, (rtnl) => linkDump(rtnl, { statistics: false })).map((link) => [
      link.name,
      link.ifindex,
    ]),
  );
  const macs = new Map(
    withRtnl(sender.fd, (rtnl) => linkDump(rtnl, { statistics: false })).map((link) => [
      link.name,
      link.mac,
    ]),
  );
  let id = 0;
  for (const [index, ports] of PORTS.entries()) {
    const network = index + 1;
    putNetwork(world, network, ports + 1);
    for (let slot = 0; slot <= ports; slot++) {
      id++;
      const name = deviceOf(ports, slot);
      const station = stationOf(id);
      const mac = slot === 0 ? (macs.get(name) ?? station.mac) : station.mac;
      const ifindex = devices.get(name) ?? 0;
      putPort(world, { id, network, slot, ifindex, station: { ...station, mac } });
      if (slot > 0) continue;
      const link = inNetns(hub.fd, () => attachTcx(world.program('endpoint'), ifindex, 'ingress'));
      sandbox.defer(() => closeFd(link));
    }
  }
}

/** Measures of flooding. They need a C compiler. */
export async function floodMeasures(sandbox: Sandbox, effort: Effort): Promise<Measure[]> {
  const program = await compileNative(sandbox, 'flood');
  const bridge = await openFloodSetup(sandbox, '-bridge', true);
  const ours = await openFloodSetup(sandbox, '-dpctl', false);
  openDatapath(sandbox, ours);
  const frames = FRAMES[effort.quick ? 'quick' : 'full'];
  const sample = async ({ sender, sink }: FloodSetup, ports: number): Promise<Readings> => {
    const name = deviceOf(ports, 0);
    const mac = withRtnl(sender.fd, (rtnl) => linkDump(rtnl, { statistics: false })).find(
      (it) => it.name === name,
    )?.mac;
    const [from, to] = [sender, sink].map((space) => join(NETNS_DIR, space.name));
    const argv = [program, from, name, mac, to, ports, frames].map(String);
    const said = JSON.parse(await run(argv, { cpu: CLIENT_CPU })) as {
      readonly ns: readonly number[];
      readonly lost: number;
    };
    return {
      [`flood-${ports}`]: quantile(said.ns, 0.5) / 1000,
      [`flood-${ports}-loss`]: said.lost / (frames * ports),
    };
  };
  return PORTS.map((ports): Measure => {
    const subject = (name: string, setup: FloodSetup): Subject => ({
      name,
      sample: () => sample(setup, ports),
    });
    const count = ports.toLocaleString('en');
    return {
      title: `flood to ${count} ports`,
      figures: [
        { id: `flood-${ports}`, title: `flood to ${count} ports`, unit: 'us', better: 'lower' },
        {
          id: `flood-${ports}-loss`,
          title: `copies lost of a flood to ${count} ports`,
          unit: '',
          better: 'lower',
        },
      ],
      subjects: [subject('Linux bridge', bridge), subject('dpctl', ours)],
      pairs: [['dpctl', 'Linux bridge']],
      seconds: 0.1 + (frames * ports) / 400_000,
    };
  });
}
