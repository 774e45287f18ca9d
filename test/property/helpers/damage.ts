/** Changes of a node without dpctl. */
import fc from 'fast-check';
import { endpointList } from '../../../src/control/endpoint/list.js';
import { linkDelete, linkDump, linkGet } from '../../../src/linux/netlink/link.js';
import { run } from '../../system/helpers/lab.js';
import { command, ifname, name } from './command.js';
import { endpointAt, isAlive, type Model } from './model.js';
import { labelOf, nameOf, type World } from './world.js';

const namespaceDeletes = name.map((ns) =>
  command(
    `ip netns del ${ns}`,
    ({ namespaces }) => namespaces.has(ns),
    async (model, world) => {
      await ipNetns('del', nameOf(world, ns));
      model.namespaces.delete(ns);
      await devicesGone(world, model, ns);
    },
  ),
);

async function ipNetns(verb: 'add' | 'del', ns: string): Promise<void> {
  const { code, stderr } = await run(['ip', 'netns', verb, ns]);
  if (code !== 0) throw new Error(`ip netns ${verb} ${ns}: ${stderr}`);
}

/** The kernel removes a namespace's devices a moment after the namespace. */
async function devicesGone(world: World, model: Model, ns: string): Promise<void> {
  const labels = model.endpoints
    .filter((each) => each.ns === ns && !isAlive(model, each) && !model.broken.has(each))
    .map((each) => `${nameOf(world, ns)}/${each.ifname}`);
  const deadline = Date.now() + 5000;
  while (linkDump(world.node.rtnl()).some((link) => labels.includes(labelOf(link)))) {
    if (Date.now() > deadline) throw new Error(`devices of ${ns} stay`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

const namespaceAdds = name.map((ns) =>
  command(
    `ip netns add ${ns}`,
    ({ namespaces }) => !namespaces.has(ns),
    async (model, world) => {
      await ipNetns('add', nameOf(world, ns));
      const life = (model.lives.get(ns) ?? 0) + 1;
      model.lives.set(ns, life);
      model.namespaces.set(ns, life);
    },
  ),
);

const deviceDeletes = fc.tuple(name, ifname).map(([ns, dev]) =>
  command(
    `ip link del the host end of ${ns}/${dev}`,
    (model) => {
      const endpoint = endpointAt(model, ns, dev);
      return endpoint !== undefined && !model.broken.has(endpoint);
    },
    async (model, world) => {
      const row = (await endpointList(world.node)).find(
        (each) => each.ns === nameOf(world, ns) && each.ifname === dev && isLive(world, each),
      );
      const endpoint = endpointAt(model, ns, dev);
      if (row === undefined || endpoint === undefined) throw new Error(`no ${ns}/${dev}`);
      linkDelete(world.node.rtnl(), { name: row.hostIfname });
      model.broken.add(endpoint);
    },
  ),
);

function isLive({ node }: World, { ifindex }: { readonly ifindex: number }): boolean {
  return linkGet(node.rtnl(), { ifindex }) !== undefined;
}

/** Namespaces are created and deleted, devices are deleted. */
export const HARM = [namespaceDeletes, namespaceAdds, deviceDeletes] as const;
