/** underlay set, del and show: the device and the address by which this node reaches others. */

import { DpctlError, isShortage } from '../../../loader/errors.js';
import { advice, exec, type Hint, run } from '../../../loader/hint.js';
import type { ChangeOptions } from '../../api/change.js';
import type { UnderlayChange, UnderlayRow, UnderlaySetRequest } from '../../api/underlay.js';
import { foreignFilters } from '../../datapath/hook.js';
import { installedProgramId } from '../../datapath/install.js';
import { linkGet } from '../../linux/netlink/link.js';
import { overlayMtu } from '../../model/overlay/mtu.js';
import { setUnderlay, unsetUnderlay } from '../../model/overlay/underlay.js';
import type { State } from '../../model/state/state.js';
import { change } from '../change/change.js';
import { hostPins, type Node } from '../node/node.js';
import { refuseConflicts } from './conflicts.js';
import { resolveUnderlay } from './resolve.js';

/**
 * Reach other nodes over a device: VXLAN goes out and comes in there. Endpoints without an MTU of their own
 * get what the device carries. Repeating it retries what the kernel has refused.
 * @throws DpctlError, exit 3: UNDERLAY_NOT_FOUND; exit 1: PORT_OUT_OF_RANGE, ADDRESS_INVALID, VTEP_INVALID,
 *   VTEP_NOT_LOCAL, VTEP_IS_NODE, VTEP_FAMILY, UNDERLAY_UNFIT, UNDERLAY_NO_ADDRESS, UNDERLAY_MTU,
 *   UNDERLAY_IN_USE, PORT_IN_USE, VNI_IN_USE, DECAP_IMPOSSIBLE; exit 2: DECAP_REFUSED
 */
export async function underlaySet(
  node: Node,
  request: UnderlaySetRequest,
  options: ChangeOptions = {},
): Promise<UnderlayChange> {
  const changed = await change(node, options, (before) => {
    const { state, underlay } = setUnderlay(before, request);
    const resolved = resolveUnderlay(node, before, { ...state, underlay }, { fresh: true });
    refuseConflicts(node, before, { ...state, resolvedUnderlay: resolved });
    // Dropping the earlier choice makes everything be chosen again.
    return { state: { ...state, resolvedUnderlay: undefined }, scope: 'node', result: undefined };
  });
  const row = underlayRow(node, changed.state);
  const notes = [
    ...changed.notes,
    ...(changed.changed && row !== undefined ? filterNotes(node, row) : []),
    ...(changed.changed ? lossNotes(changed.state) : []),
    ...(row?.state === 'down'
      ? [advice`${row.ifname} is down: ${exec`ip link set ${row.ifname} up`}`]
      : []),
  ];
  return row === undefined ? changed : { ...changed, notes, underlay: row };
}

/** A request for only tc gets no anchor: tell what that costs. */
function lossNotes({ underlay, resolvedUnderlay: resolved }: State): Hint[] {
  if (underlay?.decap !== 'tc' || resolved === undefined || resolved.tunnel !== undefined)
    return [];
  return [
    advice`with --decap tc, routers' path MTU errors are ignored: packets that do not fit a later link (below ${resolved.mtu} bytes) are lost; and TCP is not merged on arrival (${run`underlay set ${underlay.device} --decap auto`})`,
  ];
}

/**
 * Others' filters on the device see only what dpctl leaves them, or leave dpctl only what they do not take.
 */
function filterNotes(node: Node, { ifname, ifindex }: UnderlayRow): string[] {
  const own = installedProgramId(hostPins(node), 'underlay');
  const others = node.within(() => foreignFilters(ifindex, own));
  return others
    .filter(({ where }) => where !== 'tcx egress')
    .map(
      ({ name, where }) =>
        `${ifname} has a filter of another program (${name}, ${where}): ${
          where === 'clsact ingress'
            ? 'it does not see the VXLAN that dpctl decapsulates'
            : 'it runs beside dpctl, in the order of the list'
        }`,
    );
}

/** Stop reaching other nodes. They stay known. */
export async function underlayDelete(
  node: Node,
  options: ChangeOptions = {},
): Promise<UnderlayChange> {
  const changed = await change(node, options, (before) => ({
    state: unsetUnderlay(before),
    scope: 'node',
    result: underlayRow(node, before),
  }));
  const row = changed.result;
  return row === undefined ? changed : { ...changed, underlay: row };
}

/** How this node reaches others; undefined when it does not. */
export async function underlayShow(node: Node): Promise<UnderlayRow | undefined> {
  node.refresh();
  return underlayRow(node, (await node.store.load()).state);
}

function underlayRow(node: Node, state: State): UnderlayRow | undefined {
  const { underlay, resolvedUnderlay: resolved } = state;
  if (underlay === undefined) return undefined;
  const link = linkGet(node.rtnl(), { name: underlay.device });
  const usable = resolved !== undefined && link?.ifindex === resolved.ifindex;
  return {
    ifname: underlay.device,
    ifindex: link?.ifindex ?? 0,
    state: usable ? (link.up ? 'up' : 'down') : obstacleOf(node, { ...state, underlay }),
    local: resolved?.vtep ?? underlay.vtep ?? '',
    port: underlay.port,
    mtu: link?.mtu ?? 0,
    endpointMtu: resolved === undefined ? 0 : overlayMtu(resolved),
    decap: resolved?.decap ?? '',
    asked: underlay.decap,
    why: resolved?.why ?? '',
  };
}

/** Why an underlay cannot be used, as a clause. */
function obstacleOf(node: Node, state: Parameters<typeof resolveUnderlay>[2]): string {
  try {
    resolveUnderlay(node, state, state, { fresh: true });
    return 'changed';
  } catch (error) {
    if (error instanceof DpctlError && !isShortage(error)) return error.message;
    throw error;
  }
}
