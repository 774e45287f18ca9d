/**
 * Where VXLAN is decapsulated on a device: as requested, if the device can, or else in the mode that measured
 * best for what the device does (docs/overlay.md). Pure.
 */

import { DpctlError } from '../../../loader/errors.js';
import { advice, run } from '../../../loader/hint.js';
import { DECAPS, type Decap, type ResolvedUnderlay, type Underlay } from '../state/state.js';

/** The properties of a device. */
export interface DeviceFacts {
  /** Name of its driver; may be empty. */
  readonly driver: string;
  /** TCP segments, also in a tunnel, pass it whole. */
  readonly passesSegments: boolean;
  /** It merges received packets (GRO). */
  readonly merges: boolean;
  /** Its hardware merges too, which a program in the driver would switch off. */
  readonly mergesInHardware: boolean;
  /**
   * Which checksums it reports as verified (rx-checksum); a veth reports those that the sender vouches for.
   */
  readonly checksums: NonNullable<ResolvedUnderlay['checksums']>;
  /** Its driver runs XDP programs; undefined if the kernel cannot tell without trying. */
  readonly xdp: boolean | undefined;
  /** It runs them on packets in several fragments; undefined as above. */
  readonly xdpFrags: boolean | undefined;
  /** Another owner's XDP program that it runs. */
  readonly foreignXdp: string | undefined;
  /** Bytes of layer 3. */
  readonly mtu: number;
  /** The kernel reports the destination address of a packet that its own device decapsulated. */
  readonly tellsDestination: boolean;
  /** A VXLAN device of the kernel with the same UDP port, so that its packets are already merged. */
  readonly tunnelDevice: string | undefined;
}

/** The chosen decap mode, and why, as a clause for the user. */
export interface DecapChoice {
  readonly decap: Decap;
  readonly why: string;
}

/** A packet in one fragment fits into a page beside XDP's headroom, the smallest that drivers have. */
const ONE_PIECE = 3498;

/**
 * Choose the decap mode of a device.
 * @param refused modes that the kernel has refused on this device
 * @throws DpctlError DECAP_IMPOSSIBLE, exit 1, for a requested mode that is not possible
 */
export function chooseDecap(
  { device, decap: asked }: Underlay,
  facts: DeviceFacts,
  refused: ResolvedUnderlay['refused'],
): DecapChoice {
  const obstacle = (decap: Decap): string | undefined =>
    obstacleOf(decap, facts) ?? refused.find((each) => each.decap === decap)?.why;
  if (asked !== 'auto') {
    const why = obstacleOf(asked, facts);
    if (why !== undefined) throw decapImpossible(device, asked, why, obstacle);
    return { decap: asked, why: 'as requested' };
  }
  if (facts.passesSegments) {
    return { decap: 'tc', why: `${device} passes segments whole, so nothing is left to merge` };
  }
  const obstacles: string[] = [];
  const xdp = obstacle('xdp') ?? drawback(facts);
  if (xdp === undefined) {
    return {
      decap: 'xdp',
      why: `${facts.driver || device} runs XDP in its driver, which merges the other packets`,
    };
  }
  obstacles.push(`no XDP: ${xdp}`);
  const gro = obstacle('tc-gro');
  if (gro === undefined) {
    const by =
      facts.tunnelDevice === undefined ? 'the kernel' : `for ${facts.tunnelDevice} the kernel`;
    return { decap: 'tc-gro', why: `${by} merges packets of the tunnel (${obstacles.join('; ')})` };
  }
  obstacles.push(`no merging: ${gro}`);
  return { decap: 'tc', why: obstacles.join('; ') };
}

/** Whether the kernel's device may decapsulate: dpctl must know the destination address of the packets. */
export function mayAnchor({ tellsDestination, tunnelDevice }: DeviceFacts): boolean {
  return tellsDestination && tunnelDevice === undefined;
}

const NO_DESTINATION =
  'this kernel does not tell to which address a packet was sent that its own device took apart (Linux 6.0 does)';

/** Why a mode is not possible. */
function obstacleOf(decap: Decap, facts: DeviceFacts): string | undefined {
  switch (decap) {
    case 'tc':
      return undefined;
    case 'tc-gro':
      if (!facts.merges) return 'GRO is off on the device';
      return mayAnchor(facts) || facts.tunnelDevice !== undefined ? undefined : NO_DESTINATION;
    case 'xdp':
      if (facts.foreignXdp !== undefined) {
        return `the device runs another XDP program (${facts.foreignXdp})`;
      }
      if (facts.xdp === false) return `${facts.driver || 'the device'} runs no XDP in its driver`;
      if (facts.xdpFrags === false && facts.mtu > ONE_PIECE) {
        return `its driver supports no XDP with an MTU of ${facts.mtu}`;
      }
      return undefined;
  }
}

/** Why XDP, although possible, is not the best. */
function drawback(facts: DeviceFacts): string | undefined {
  const { driver, mergesInHardware, checksums, xdp } = facts;
  if (driver === 'veth') return 'XDP on a veth copies every packet';
  if (mergesInHardware) return "it would disable the device's own merging (LRO, GRO-HW)";
  if (checksums === 'driver') {
    return "its driver's checksum results may be for the headers that XDP removes (rx-checksumming)";
  }
  return xdp === undefined ? 'this kernel does not report whether the driver has XDP' : undefined;
}

/** The error for a mode that is not possible. */
function decapImpossible(
  device: string,
  decap: Decap,
  why: string,
  obstacle: (decap: Decap) => string | undefined,
): DpctlError {
  const possible = DECAPS.filter((each) => each !== decap && obstacle(each) === undefined);
  return new DpctlError('DECAP_IMPOSSIBLE', `${device} cannot do --decap ${decap}: ${why}`, {
    exitCode: 1,
    hint: advice`${run`underlay set ${device} --decap auto`}, or ${possible.join(' or ')}`,
    details: { device, decap, why, possible },
  });
}

/**
 * The error for a mode that the kernel refused when it was tried; if dpctl had chosen the mode, it can choose
 * another.
 */
export function decapRefused(decap: Decap, why: string, cause: unknown): DpctlError {
  return new DpctlError('DECAP_REFUSED', `the kernel refuses --decap ${decap}: ${why}`, {
    exitCode: 2,
    hint: run`underlay set DEV --decap auto`,
    details: { decap, why },
    cause,
  });
}

/** The mode that an error says was refused; undefined for every other error. */
export function refusedDecap(error: unknown): ResolvedUnderlay['refused'][number] | undefined {
  if (!(error instanceof DpctlError) || error.code !== 'DECAP_REFUSED') return undefined;
  const { decap, why } = error.details;
  const known = DECAPS.find((each) => each === decap);
  return known === undefined || known === 'tc' ? undefined : { decap: known, why: String(why) };
}
