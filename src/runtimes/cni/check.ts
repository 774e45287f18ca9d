/** CHECK and STATUS: is an attachment as ADD left it, and can ADD be served? */
import { networkName } from './config.js';
import { destinationOf, interfaceIn } from './container.js';
import { delegate } from './ipam.js';
import { endpointOf, type Host } from './node.js';
import { CODE, cniError, cniFailureOf } from './protocol.js';
import { attachmentOf, type CniRequest, netnsOf } from './request.js';
import { readResult } from './result.js';

/** @throws an error with code 101 that lists the differences */
export async function check(host: Host, request: CniRequest): Promise<void> {
  const { config, call } = request;
  if (config.prevResult === undefined || config.prevResult === null) {
    throw cniError(CODE.BAD_CONFIG, 'CHECK needs prevResult');
  }
  const attachment = attachmentOf(call);
  const netns = netnsOf(call);
  await delegate(request, 'CHECK');
  const row = await endpointOf(host, attachment);
  if (row === undefined) {
    throw cniError(
      CODE.NOT_AS_ADDED,
      `container ${attachment.container} has no endpoint ${attachment.ifname}`,
    );
  }
  const plan = await host.ask('attach', { ns: row.ns, ifname: row.ifname, dryRun: true });
  const wrong = [
    ...differences(request, netns),
    ...plan.plan.map(({ step, subject }) => `${step} ${subject}`.trim()),
  ];
  if (wrong.length === 0) return;
  throw cniError(
    CODE.NOT_AS_ADDED,
    `${attachment.ifname} of container ${attachment.container} is not as it was added`,
    wrong.join('; '),
  );
}

/** The container's interface against the result that the runtime kept. */
function differences({ config, call }: CniRequest, netns: string): string[] {
  const { ifname = '' } = call;
  const inside = interfaceIn(netns, ifname);
  if (inside === undefined) return [`there is no ${ifname}`];
  const { interfaces, ips, routes } = readResult(config.prevResult);
  const index = interfaces.findIndex((each) => each.name === ifname && each.sandbox === netns);
  const mac = interfaces[index]?.mac;
  return [
    ...(index < 0 ? [`prevResult has no ${ifname} in ${netns}`] : []),
    ...(inside.up ? [] : [`${ifname} is down`]),
    ...(mac === undefined || mac === '' || mac === inside.mac
      ? []
      : [`${ifname} has MAC ${inside.mac}, not ${mac}`]),
    ...ips
      .filter((ip) => ip.interface === index && !inside.addresses.includes(ip.address))
      .map(({ address }) => `${ifname} lacks ${address}`),
    ...routes
      .filter((route) => !inside.routes.includes(destinationOf(route)))
      .map(({ dst }) => `there is no route to ${dst} through ${ifname}`),
  ];
}

/** @throws an error with code 50, or of the delegated plugin */
export async function status(host: Host, request: CniRequest): Promise<void> {
  const name = networkName(request.config);
  try {
    const networks = await host.ask('network list', {});
    const { subnet, vni, gateway } = request.config;
    const makes = subnet !== undefined || vni !== undefined || gateway !== undefined;
    if (!makes && !networks.some((each) => each.name === name)) {
      throw cniError(CODE.NOT_AVAILABLE, `dpctl has no network ${name}`);
    }
  } catch (error) {
    const { msg, details } = cniFailureOf(error);
    throw cniError(CODE.NOT_AVAILABLE, msg, details);
  }
  await delegate(request, 'STATUS');
}
