/** ADD: give a container an interface on a network. */
import { advice, run } from '../../../loader/hint.js';
import type { AttachRequest, EndpointRow } from '../../api/endpoint.js';
import type { NetworkRow } from '../../api/network.js';
import { isLabelValue } from '../../model/endpoint/labels.js';
import { hintText } from '../../model/hint.js';
import { type CniConfig, listOf, networkName } from './config.js';
import { addRoutes, interfaceIn } from './container.js';
import { delegate, delegateOf, ipamAdd } from './ipam.js';
import { detachAttachment, endpointOf, type Host } from './node.js';
import { CODE, cniError } from './protocol.js';
import { type Attachment, attachmentOf, type CniRequest, netnsOf } from './request.js';
import { type CniResult, readResult } from './result.js';

/** @throws an error of the plugin, of the delegated one, or of dpctl; then nothing is left of it */
export async function add(host: Host, request: CniRequest): Promise<CniResult> {
  const attachment = attachmentOf(request.call);
  const netns = netnsOf(request.call);
  const known = await endpointOf(host, attachment);
  refuseOthers(known, attachment, netns);
  const network = await ensureNetwork(host, request.config);
  const found = delegateOf(request) === undefined ? undefined : await ipamAdd(request);
  try {
    const row = await attach(host, request, { attachment, netns, found });
    if (found !== undefined) addRoutes(netns, attachment.ifname, found);
    return resultOf(request, { row, netns, found, network });
  } catch (error) {
    if (known === undefined) await undo(host, request, attachment);
    throw error;
  }
}

/** Nothing of a failed ADD stays; what made it fail is what is reported. */
async function undo(host: Host, request: CniRequest, attachment: Attachment): Promise<void> {
  const steps = [() => detachAttachment(host, attachment), () => delegate(request, 'DEL')];
  for (const step of steps) await step().catch(() => undefined);
}

/** An interface that is there already would be adopted, with whatever is configured on it. */
function refuseOthers(
  row: EndpointRow | undefined,
  { container, ifname }: Attachment,
  netns: string,
): void {
  if (row === undefined) {
    if (interfaceIn(netns, ifname) === undefined) return;
    throw cniError(CODE.INTERFACE_EXISTS, `${netns} has an interface ${ifname} already`);
  }
  if (row.ns === netns) return;
  throw cniError(
    CODE.INTERFACE_EXISTS,
    `container ${container} has ${ifname} in ${row.ns} already`,
    'DEL comes first',
  );
}

async function ensureNetwork(host: Host, config: CniConfig): Promise<NetworkRow> {
  const name = networkName(config);
  const known = (await host.ask('network list', {})).find((each) => each.name === name);
  if (known !== undefined) return known;
  const { vni, gateway, masquerade } = config;
  const subnets = listOf(config.subnet);
  const ranges = listOf(config.range);
  if (subnets.length === 0 && vni === undefined && gateway === undefined) {
    throw cniError(
      CODE.BAD_CONFIG,
      `dpctl has no network ${name}`,
      hintText(advice`${run`network add ${name}`}, or add a "subnet" to the configuration`),
    );
  }
  const { network } = await host.ask('network add', {
    name,
    ...(subnets.length > 0 && { subnets }),
    ...(ranges.length > 0 && { ranges }),
    ...(vni !== undefined && { vni }),
    ...(gateway !== undefined && {
      gateway: typeof gateway === 'string' ? [gateway] : gateway,
    }),
    ...(masquerade !== undefined && { masquerade }),
  });
  if (network === undefined) throw new Error('network add came back without a network');
  return network;
}

interface Place {
  readonly attachment: Attachment;
  readonly netns: string;
  /** What the delegated plugin answered. */
  readonly found: CniResult | undefined;
}

async function attach(
  host: Host,
  request: CniRequest,
  { attachment, netns, found }: Place,
): Promise<EndpointRow> {
  const { config } = request;
  const { mtu, isolated, lock } = config;
  const ips = found === undefined ? askedIps(request) : found.ips.map(({ address }) => address);
  const mac = askedMac(request);
  const labels = podLabels(request);
  const asked: AttachRequest = {
    ns: netns,
    ifname: attachment.ifname,
    network: networkName(config),
    owner: { kind: 'cni', config: config.name ?? '', ...attachment },
    ...(ips.length > 0 && { ips }),
    ...(mac !== undefined && { mac }),
    ...(mtu !== undefined && mtu > 0 && { mtu }),
    ...(isolated !== undefined && { isolated }),
    ...(lock !== undefined && { lock }),
    ...(labels.length > 0 && { labels }),
  };
  const [row] = (await host.ask('attach', asked)).endpoints;
  if (row === undefined) throw new Error('attach came back without an endpoint');
  return row;
}

/** The runtime's wish comes before the configuration's, and that before CNI_ARGS. */
function askedIps({ config, args }: CniRequest): readonly string[] {
  const { runtimeConfig, args: own } = config;
  const ip = args.get('IP');
  return runtimeConfig?.ips ?? own?.cni?.ips ?? (ip === undefined || ip === '' ? [] : [ip]);
}

function askedMac({ config, args }: CniRequest): string | undefined {
  const mac = config.runtimeConfig?.mac ?? config.args?.cni?.mac ?? args.get('MAC');
  return mac === '' ? undefined : mac;
}

/** Names of pods may be longer than a label. */
function podLabels({ args }: CniRequest): string[] {
  return [
    ['io.kubernetes.pod.namespace', args.get('K8S_POD_NAMESPACE') ?? ''] as const,
    ['io.kubernetes.pod.name', args.get('K8S_POD_NAME') ?? ''] as const,
  ]
    .filter(([, value]) => value !== '' && isLabelValue(value))
    .map(([key, value]) => `${key}=${value}`);
}

interface Added {
  readonly row: EndpointRow;
  readonly netns: string;
  readonly found: CniResult | undefined;
  readonly network: NetworkRow;
}

function resultOf({ config }: CniRequest, { row, netns, found, network }: Added): CniResult {
  const before = readResult(config.prevResult);
  const own = before.interfaces.length + 1;
  const gateways = network.gateway.split(',').filter((each) => each !== '');
  const ips = [row.ip4, row.ip6]
    .filter((address) => address !== '')
    .map((address) => {
      const gateway = (found?.ips.map((ip) => ip.gateway ?? '') ?? gateways).find(
        (each) => each !== '' && each.includes(':') === address.includes(':'),
      );
      return { address, ...(gateway !== undefined && { gateway }), interface: own };
    });
  const defaults = ips.flatMap(({ address, gateway }) =>
    gateway === undefined
      ? []
      : [{ dst: address.includes(':') ? '::/0' : '0.0.0.0/0', gw: gateway }],
  );
  return {
    interfaces: [
      ...before.interfaces,
      { name: row.hostIfname, mtu: row.mtu },
      { name: row.ifname, mac: row.mac, mtu: row.mtu, sandbox: netns },
    ],
    ips: [...before.ips, ...ips],
    routes: [...before.routes, ...(found?.routes ?? defaults)],
    dns: dnsOf(config, found, before),
  };
}

/** The first of them that says anything. */
function dnsOf(config: CniConfig, found: CniResult | undefined, before: CniResult): object {
  const all = [found?.dns, config.dns, before.dns];
  return all.find((each) => each !== undefined && Object.keys(each).length > 0) ?? {};
}
