/** The MAC address of an endpoint. */
import { DpctlError } from '../../../loader/errors.js';
import { run } from '../../../loader/hint.js';
import { parseMac } from '../address/mac.js';
import { generateMac } from '../network/ipam.js';
import { isOwn } from '../network/own-prefix.js';
import { endpointLabel } from '../state/lookup.js';
import { others, type Seeker } from './addresses.js';

/**
 * The MAC of an endpoint: the requested one, else its present one, else a new one.
 * @param seed text that no other endpoint has
 * @throws DpctlError, exit 1: MAC_INVALID, MAC_MULTICAST, MAC_ZERO, MAC_IN_USE
 */
export function chooseMac(
  seeker: Seeker,
  asked: string | undefined,
  ip4: string | undefined,
  seed: string,
): string {
  const { state, network, self, command } = seeker;
  const neighbours = others(seeker);
  const statics = [...state.staticFdb, ...state.remoteFdb].filter(
    (each) => each.network === network.name,
  );
  const taken = new Set([...neighbours, ...statics].map((each) => each.mac));
  if (asked === undefined) {
    if (self === undefined || isOwn(network, ip4)) return generateMac({ ip4, seed }, taken);
    return self.mac;
  }
  const mac = parseMac(asked);
  if (!taken.has(mac)) return mac;
  const holder = neighbours.find((each) => each.mac === mac);
  const whose = holder === undefined ? 'a static entry of' : `${endpointLabel(holder)} on`;
  const free = generateMac({ seed }, taken);
  throw new DpctlError('MAC_IN_USE', `${mac} belongs to ${whose} network ${network.name}`, {
    exitCode: 1,
    hint: run`${command.run} --mac ${free}`,
    details: { mac, network: network.name, holder: holder?.namespace.ref ?? 'static', free },
  });
}
