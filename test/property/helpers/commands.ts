/** The commands that users may give in any order, with their effect on the model. */
import fc from 'fast-check';
import { DpctlError } from '../../../loader/errors.js';
import { attach } from '../../../src/control/endpoint/attach.js';
import { detach } from '../../../src/control/endpoint/detach.js';
import { fdbAdd, fdbDelete, fdbFlush } from '../../../src/control/network/fdb.js';
import { networkAdd, networkDelete } from '../../../src/control/network/network.js';
import { reconcile } from '../../../src/control/node/reconcile.js';
import {
  always,
  type Command,
  command,
  ifname,
  MACS,
  NETWORKS,
  name,
  networkName,
  touch,
} from './command.js';
import { HARM } from './damage.js';
import {
  address4,
  damaged,
  didAttach,
  didChange,
  didReconcile,
  drop,
  endpointAt,
  expectAttach,
  freeVni,
  type Model,
  type ModelEndpoint,
  type ModelNetwork,
  membersOf,
  subnet4,
  subnet6,
} from './model.js';
import { expecting, nameOf } from './world.js';

const attaches = fc.tuple(name, ifname, networkName).map(([ns, dev, network]) =>
  command(
    `attach ${ns} --ifname ${dev} --network ${network}`,
    ({ namespaces }) => namespaces.has(ns),
    async (model, world) => {
      const expected = expectAttach(model, ns, dev, network);
      const request = { ns: nameOf(world, ns), ifname: dev, network };
      if (typeof expected === 'string') {
        await expecting(expected, () => attach(world.node, request));
        return;
      }
      const { endpoints } = await attach(world.node, request);
      const wanted = `${address4(networkIn(model, network), expected.host)}/29`;
      if (endpoints[0]?.ip4 !== wanted) throw new Error(`${endpoints[0]?.ip4}, not ${wanted}`);
      didAttach(model, expected);
    },
  ),
);

/** The same, but a step of it fails: nothing may change. */
const failedAttaches = fc
  .tuple(name, ifname, networkName, fc.nat({ max: 14 }))
  .map(([ns, dev, network, step]) =>
    command(
      `attach ${ns} --ifname ${dev} --network ${network}, failing at step ${step}`,
      ({ namespaces }) => namespaces.has(ns),
      async (model, world) => {
        const expected = expectAttach(model, ns, dev, network);
        const request = { ns: nameOf(world, ns), ifname: dev, network };
        process.env.DPCTL_FAULT_ERROR = `step.${step}`;
        try {
          await attach(world.node, request);
        } catch (error) {
          const code = error instanceof DpctlError ? error.code : undefined;
          if (code === 'FAULT' || code === expected) return;
          throw error;
        } finally {
          delete process.env.DPCTL_FAULT_ERROR;
        }
        // Its plan was shorter.
        if (typeof expected !== 'string') didAttach(model, expected);
      },
    ),
  );

const detaches = fc.tuple(name, fc.option(ifname, { nil: undefined })).map(([ns, dev]) =>
  command(`detach ${ns}${dev ? ` --ifname ${dev}` : ''}`, always, async (model, world) => {
    const picks = (each: ModelEndpoint): boolean =>
      each.ns === ns && (dev === undefined || each.ifname === dev);
    const count = model.endpoints.filter(picks).length;
    const { endpoints } = await detach(world.node, { ns: nameOf(world, ns), ifname: dev });
    if (endpoints.length !== count) throw new Error(`${endpoints.length} detached, not ${count}`);
    drop(model, picks);
    didChange(model);
  }),
);

interface NetworkFlags {
  readonly network: (typeof NETWORKS)[number];
  readonly gateway: boolean;
  readonly masquerade: boolean;
  readonly ageing?: number | undefined;
}

function addNetwork({ network, gateway, masquerade, ageing }: NetworkFlags): Command {
  const words = [
    `network add ${network}`,
    ...(gateway ? ['--gateway'] : []),
    ...(masquerade ? ['--masquerade'] : []),
    ...(ageing === undefined ? [] : [`--ageing ${ageing}`]),
  ];
  return command(
    words.join(' '),
    // The first address may be taken, because there was no gateway before.
    (model) => !gateway || membersOf(model, network).every(({ host }) => host !== 1),
    async (model, world) => {
      const wanted: ModelNetwork = model.networks.get(network) ?? {
        name: network,
        number: NETWORKS.indexOf(network) + 1,
        vni: freeVni(model),
        ageing: 300,
        gateway: false,
        masquerade: false,
      };
      const request = {
        name: network,
        subnets: [subnet4(wanted), subnet6(wanted)],
        ...(gateway && { gateway: true as const }),
        ...(masquerade && { masquerade: true }),
        ...(ageing !== undefined && { ageing }),
      };
      const bare = masquerade && !gateway && !wanted.gateway;
      const code = bare ? 'MASQUERADE_NEEDS_GATEWAY' : undefined;
      await expecting(code, () => networkAdd(world.node, request));
      if (code !== undefined) return;
      wanted.gateway ||= gateway;
      wanted.masquerade ||= masquerade;
      wanted.ageing = ageing ?? wanted.ageing;
      model.networks.set(network, wanted);
      didChange(model);
      for (const member of membersOf(model, network)) touch(model, member);
    },
  );
}

const networkAdds = fc
  .record({
    network: networkName,
    gateway: fc.boolean(),
    masquerade: fc.boolean(),
    ageing: fc.constantFrom(undefined, 0, 60),
  })
  .map(addNetwork);

/** The beginning of each sequence. */
export const BEGINNING: readonly Command[] = [
  addNetwork({ network: 'a', gateway: true, masquerade: true }),
  addNetwork({ network: 'b', gateway: false, masquerade: false }),
];

const networkDeletes = networkName.map((network) =>
  command(`network del ${network}`, always, async (model, world) => {
    const code = membersOf(model, network).length > 0 ? 'NETWORK_IN_USE' : undefined;
    await expecting(code, () => networkDelete(world.node, { name: network }));
    if (code !== undefined) return;
    model.networks.delete(network);
    didChange(model);
  }),
);

const fdbAdds = fc.tuple(fc.constantFrom(...MACS), name, ifname).map(([mac, ns, dev]) =>
  command(`fdb add ${mac} ${ns} --ifname ${dev}`, always, async (model, world) => {
    const endpoint = endpointAt(model, ns, dev);
    const code = endpoint === undefined ? 'ENDPOINT_NOT_FOUND' : undefined;
    await expecting(code, () => fdbAdd(world.node, { mac, ns: nameOf(world, ns), ifname: dev }));
    if (endpoint === undefined) return;
    didChange(model);
    const old = model.statics.get(`${endpoint.network} ${mac}`);
    if (old === endpoint) return;
    model.statics.set(`${endpoint.network} ${mac}`, endpoint);
    touch(model, endpoint);
    if (old !== undefined) touch(model, old);
  }),
);

const fdbDeletes = fc.tuple(fc.constantFrom(...MACS), networkName).map(([mac, network]) =>
  command(`fdb del ${mac} --network ${network}`, always, async (model, world) => {
    const key = `${network} ${mac}`;
    const behind = model.statics.get(key);
    const code = model.networks.has(network) ? undefined : 'NETWORK_NOT_FOUND';
    await expecting(code, () => fdbDelete(world.node, { mac, network }));
    if (code !== undefined) return;
    didChange(model);
    if (!model.statics.delete(key)) return;
    if (behind !== undefined) touch(model, behind);
  }),
);

const flushes = fc.constant(
  command('fdb flush', always, async (model, world) => {
    await fdbFlush(world.node, {});
    didChange(model);
  }),
);

const reconciles = fc.constant(
  command('reconcile', always, async (model, world) => {
    const harmed = damaged(model).length > 0;
    const { changed } = await reconcile(world.node);
    if (changed !== harmed) throw new Error(`reconcile ${changed ? 'changed' : 'did'} something`);
    didReconcile(model);
  }),
);

function networkIn({ networks }: Model, network: string): ModelNetwork {
  const found = networks.get(network);
  if (found === undefined) throw new Error(`no network ${network}`);
  return found;
}

/** All commands; attaches more often than those that undo them. */
export const COMMANDS: readonly fc.Arbitrary<Command>[] = [
  attaches,
  attaches,
  attaches,
  failedAttaches,
  detaches,
  networkAdds,
  networkAdds,
  networkDeletes,
  fdbAdds,
  fdbDeletes,
  flushes,
  ...HARM,
  reconciles,
];
