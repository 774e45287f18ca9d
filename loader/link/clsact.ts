import { ERRNO, errnoOf, kernelError } from '../errors.js';
import { checkBpf, libbpf } from '../libbpf.js';
import { decodeAttributes, type Message, readText, viewOf } from '../netlink/codec.js';
import { dump, type Netlink, withExchange } from '../netlink/exchange.js';
import { options, struct } from '../struct.js';
import type { Direction } from './attach.js';

/** The name of a filter on a clsact qdisc: its place in the order and its handle in that place. */
export interface TcFilter {
  /** 1 to 65535, lower runs first. */
  readonly priority: number;
  /** 1 or more. */
  readonly handle: number;
}

/** The result of {@link tcAttach}. */
export interface TcAttached extends TcFilter {
  readonly progId: number;
  /** The qdisc did not exist before: {@link tcDetach} may remove it when empty. */
  readonly createdQdisc: boolean;
}

const POINT: Readonly<Record<Direction, number>> = { ingress: 1, egress: 2 };
const BOTH_POINTS = 3;
const BPF_TC_F_REPLACE = 1;

function hook(ifindex: number, point: number): Uint8Array {
  return options(24).u32(8, ifindex).u32(12, point).bytes;
}

/**
 * Attach a TC program as a direct-action filter of a clsact qdisc, for kernels before tcx. Unlike
 * a link it stays until detached. Call it inside the device's network namespace.
 * @param filter 0 for a field lets the kernel choose; an existing filter of that name is replaced
 */
export function tcAttach(
  progFd: number,
  ifindex: number,
  direction: Direction,
  filter: TcFilter,
): TcAttached {
  const created = libbpf().bpf_tc_hook_create(hook(ifindex, POINT[direction]));
  if (created < 0 && -created !== ERRNO.EEXIST) {
    throw kernelError(`bpf_tc_hook_create ifindex ${ifindex}`, -created);
  }
  const opts = options(32)
    .u32(8, progFd)
    .u32(12, filter.handle && filter.priority ? BPF_TC_F_REPLACE : 0)
    .u32(20, filter.handle)
    .u32(24, filter.priority);
  const result = libbpf().bpf_tc_attach(hook(ifindex, POINT[direction]), opts.bytes);
  if (result < 0) {
    if (created === 0) destroyIfEmpty(ifindex);
    throw kernelError(`bpf_tc_attach ${direction} ifindex ${ifindex}`, -result);
  }
  return {
    progId: opts.getU32(16),
    handle: opts.getU32(20),
    priority: opts.getU32(24),
    createdQdisc: created === 0,
  };
}

/**
 * The id of the program behind a filter, undefined when there is no such filter or qdisc.
 */
export function tcQuery(
  ifindex: number,
  direction: Direction,
  filter: TcFilter,
): number | undefined {
  const opts = options(32).u32(20, filter.handle).u32(24, filter.priority);
  const result = libbpf().bpf_tc_query(hook(ifindex, POINT[direction]), opts.bytes);
  if (result === 0) return opts.getU32(16);
  if (absent(result)) return undefined;
  throw kernelError(`bpf_tc_query ${direction} ifindex ${ifindex}`, -result);
}

/**
 * Remove a filter.
 * @param removeQdisc also remove the clsact qdisc if it has no filters left, foreign ones included
 * @returns false when the filter was not there
 */
export function tcDetach(
  ifindex: number,
  direction: Direction,
  filter: TcFilter,
  removeQdisc: boolean,
): boolean {
  const opts = options(32).u32(20, filter.handle).u32(24, filter.priority);
  const result = libbpf().bpf_tc_detach(hook(ifindex, POINT[direction]), opts.bytes);
  if (result < 0 && !absent(result)) {
    throw kernelError(`bpf_tc_detach ${direction} ifindex ${ifindex}`, -result);
  }
  if (removeQdisc) destroyIfEmpty(ifindex);
  return result === 0;
}

/** ENOENT: no such filter. EINVAL: no clsact qdisc. ENODEV: no device. */
function absent(result: number): boolean {
  return [ERRNO.ENOENT, ERRNO.EINVAL, ERRNO.ENODEV].includes(-result);
}

function destroyIfEmpty(ifindex: number): void {
  if (tcFilters(ifindex, 'ingress').length + tcFilters(ifindex, 'egress').length > 0) return;
  const result = libbpf().bpf_tc_hook_destroy(hook(ifindex, BOTH_POINTS));
  if (result < 0 && !absent(result)) checkBpf(`bpf_tc_hook_destroy ifindex ${ifindex}`, result);
}

const NETLINK_ROUTE = 0;
const RTM_NEWTFILTER = 44;
const RTM_GETTFILTER = 46;
/** Parents of the two filter lists of a clsact qdisc (TC_H_CLSACT with TC_H_MIN_INGRESS, _EGRESS). */
const CLSACT_PARENT: Readonly<Record<Direction, number>> = {
  ingress: 0xfffffff2,
  egress: 0xfffffff3,
};

/** A filter in a device's clsact qdisc. */
export interface TcListed extends TcFilter {
  /** 'bpf', 'u32', 'flower' ... */
  readonly kind: string;
}

const TCMSG_SIZE = 20;
const TCA_KIND = 1;

/**
 * All filters on one side of a device's clsact qdisc, foreign ones too; none without qdisc or device.
 * libbpf cannot list them. Call it inside the device's network namespace.
 * @throws DpctlError KERNEL_* where the kernel does not list them: there may be some
 */
export function tcFilters(ifindex: number, direction: Direction): TcListed[] {
  const body = struct(TCMSG_SIZE).u32(4, ifindex).u32(12, CLSACT_PARENT[direction]).bytes;
  const what = `list filters ${direction} ifindex ${ifindex}`;
  const messages = withExchange(NETLINK_ROUTE, (netlink) => listing(netlink, what, body));
  return (
    messages
      .filter(({ type }) => type === RTM_NEWTFILTER)
      .map(readFilter)
      // A filter's head is listed too, with handle 0.
      .filter(({ handle }) => handle !== 0)
  );
}

function listing(netlink: Netlink, what: string, body: Uint8Array): Message[] {
  try {
    return dump(netlink, what, RTM_GETTFILTER, body);
  } catch (error) {
    const errno = ERRNO[errnoOf(error) ?? ''];
    if (errno !== undefined && absent(-errno)) return [];
    throw error;
  }
}

/** struct tcmsg: family, ifindex, handle, parent, info (priority << 16 | protocol). */
function readFilter({ body }: Message): TcListed {
  const view = viewOf(body);
  return {
    handle: view.getUint32(8, true),
    priority: view.getUint32(16, true) >>> 16,
    kind: readText(decodeAttributes(body, TCMSG_SIZE).get(TCA_KIND)) ?? '',
  };
}
