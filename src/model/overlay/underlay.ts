/** Edits of the underlay of a state: the device and the address by which this node reaches others. */

import { isDeepStrictEqual } from 'node:util';
import { DpctlError } from '../../../loader/errors.js';
import { advice, type Hint, run } from '../../../loader/hint.js';
import { type Family, familyOf, formatIp, IP_BITS, parseIp } from '../address/ip.js';
import { reservedReason } from '../address/reserved.js';
import type { Remote, State, Underlay } from '../state/state.js';

/** UDP port of VXLAN (RFC 7348, section 5). */
const VXLAN_PORT = 4789;
/**
 * Bytes that encapsulation adds to a frame, by the family of the underlay: IP, UDP, VXLAN and the inner
 * Ethernet.
 */
export const OVERHEAD: Readonly<Record<Family, number>> = { 4: 50, 6: 70 };

/** A request for the underlay. A field that is left out keeps its present value. */
export interface UnderlayRequest {
  readonly device: string;
  readonly port?: number | undefined;
  readonly decap?: Underlay['decap'] | undefined;
  /** `auto`: a global address of the device. */
  readonly vtep?: string | undefined;
}

/** A state after an edit of its underlay. */
export interface UnderlayEdit {
  readonly state: State;
  readonly underlay: Underlay;
  readonly changed: boolean;
}

/**
 * Choose the underlay. A requested address is dropped when the device changes.
 * @throws DpctlError, all exit 1: PORT_OUT_OF_RANGE, ADDRESS_INVALID, VTEP_INVALID
 */
export function setUnderlay(state: State, request: UnderlayRequest): UnderlayEdit {
  const old = state.underlay;
  const vtep = chooseVtep(old, request);
  const underlay: Underlay = {
    device: request.device,
    port: checkPort(request.port ?? old?.port ?? VXLAN_PORT),
    decap: request.decap ?? old?.decap ?? 'auto',
    ...(vtep === undefined ? {} : { vtep }),
  };
  if (old !== undefined && isDeepStrictEqual(old, underlay)) {
    return { state, underlay: old, changed: false };
  }
  return { state: { ...state, underlay }, underlay, changed: true };
}

/** A state without an underlay. The nodes stay: another underlay may reach them. */
export function unsetUnderlay(state: State): State {
  if (state.underlay === undefined && state.resolvedUnderlay === undefined) return state;
  const { underlay: _underlay, resolvedUnderlay: _resolved, ...rest } = state;
  return rest;
}

function chooseVtep(
  old: Underlay | undefined,
  { device, vtep }: UnderlayRequest,
): string | undefined {
  if (vtep === 'auto') return undefined;
  if (vtep === undefined) return old?.device === device ? old.vtep : undefined;
  return checkVtep(vtep, (text) => run`underlay set ${device} --vtep ${text}`);
}

/** @throws DpctlError PORT_OUT_OF_RANGE, exit 1 */
export function checkPort(port: number): number {
  if (Number.isInteger(port) && port >= 1 && port <= 65_535) return port;
  throw new DpctlError('PORT_OUT_OF_RANGE', `UDP port ${port}: must be from 1 to 65535`, {
    exitCode: 1,
    hint: `--port ${VXLAN_PORT} is the standard port of VXLAN`,
    details: { port },
  });
}

/**
 * The canonical address of a VTEP, which must be a host's.
 * @param command makes a command line with an address in it, for the hint
 * @throws DpctlError ADDRESS_INVALID, VTEP_INVALID, exit 1
 */
export function checkVtep(text: string, command: (address: string) => Hint): string {
  const ip = parseIp(text);
  const why = reservedReason({ ...ip, length: IP_BITS[ip.family] });
  if (why === undefined) return formatIp(ip);
  throw new DpctlError('VTEP_INVALID', `${text} cannot be the address of a node: it ${why}`, {
    exitCode: 1,
    hint: command(ip.family === 4 ? '192.0.2.7' : '2001:db8::7'),
    details: { vtep: text },
  });
}

/**
 * Check that all nodes can be reached from an address of this node.
 * @throws DpctlError, exit 1: VTEP_IS_NODE (a node has it), VTEP_FAMILY (a node has the other family)
 */
export function checkOwnVtep(nodes: readonly Remote[], vtep: string): void {
  for (const { name, vtep: theirs } of nodes) {
    if (theirs === vtep) {
      throw new DpctlError(
        'VTEP_IS_NODE',
        `${vtep} is this node's own address and node ${name}'s`,
        {
          exitCode: 1,
          hint: advice`${run`node add ${name} --vtep ADDRESS`}, or ${run`node del ${name}`}`,
          details: { vtep, node: name },
        },
      );
    }
    if (familyOf(theirs) !== familyOf(vtep)) {
      const [family, other] = [familyOf(theirs), familyOf(vtep)];
      throw new DpctlError(
        'VTEP_FAMILY',
        `node ${name} has the IPv${family} address ${theirs}, and the underlay is IPv${other} (${vtep})`,
        {
          exitCode: 1,
          hint: advice`${run`underlay set DEV --vtep IPV${family}-ADDRESS`}, or ${run`node add ${name} --vtep IPV${other}-ADDRESS`}`,
          details: { vtep, node: name, theirs },
        },
      );
    }
  }
}
