/** Checks of names and numbers from users: each error states the value, the range and a remedy. */
import { DpctlError } from '../../../loader/errors.js';

/** Maximum length of a network's name in characters; it goes into aliases and nftables comments. */
const NETWORK_NAME_MAX = 32;
/** Maximum length of an interface name in bytes (IFNAMSIZ without the final zero). */
const IFNAME_MAX = 15;
/** VXLAN network identifiers have 24 bits (RFC 7348, section 5); 0 means "none". */
export const VNI_MAX = 2 ** 24 - 1;
/** Maximum ageing in seconds: a year. */
const AGEING_MAX = 365 * 86_400;
/** Default ageing in seconds, as for bridges (IEEE 802.1D, table 7-5). */
export const AGEING_DEFAULT = 300;
/** The minimum MTU of IPv4 (RFC 791, 3.2) and the maximum of a veth (ETH_MAX_MTU). */
export const MTU_MIN = 68;
const MTU_MAX = 65_535;
/** The minimum MTU of IPv6 (RFC 8200, section 5). */
export const MTU_MIN_IP6 = 1280;

const NETWORK_NAME = /^[a-zA-Z0-9][a-zA-Z0-9._-]*$/;
/** What dev_valid_name() refuses, what dev_alloc_name() would expand, and what garbles a terminal. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const IFNAME_BAD = /[/:%\s\u0000-\u001f\u007f]/;

/** @throws DpctlError NETWORK_NAME_INVALID, exit 1 */
export function checkNetworkName(name: string): string {
  if (name.length <= NETWORK_NAME_MAX && NETWORK_NAME.test(name)) return name;
  throw new DpctlError(
    'NETWORK_NAME_INVALID',
    `network name ${JSON.stringify(name)} is not 1 to ${NETWORK_NAME_MAX} letters, digits, '.', '_' or '-', the first of them a letter or digit`,
    {
      exitCode: 1,
      hint: 'choose a name such as blue or tenant-7',
      details: { network: name, max: NETWORK_NAME_MAX },
    },
  );
}

/**
 * Check the name of another node: the rules of network names, which fit short host names.
 * @throws DpctlError NODE_NAME_INVALID, exit 1
 */
export function checkNodeName(name: string): string {
  if (name.length <= NETWORK_NAME_MAX && NETWORK_NAME.test(name)) return name;
  throw new DpctlError(
    'NODE_NAME_INVALID',
    `node name ${JSON.stringify(name)} is not 1 to ${NETWORK_NAME_MAX} letters, digits, '.', '_' or '-', the first of them a letter or digit`,
    {
      exitCode: 1,
      hint: 'choose a name such as node7 or rack2.node7',
      details: { node: name, max: NETWORK_NAME_MAX },
    },
  );
}

/**
 * Check a name that the kernel accepts for an interface (dev_valid_name() of net/core/dev.c).
 * @throws DpctlError IFNAME_INVALID, exit 1
 */
export function checkIfname(name: string): string {
  const why = ifnameFault(name);
  if (why === undefined) return name;
  throw new DpctlError('IFNAME_INVALID', `interface name ${JSON.stringify(name)} ${why}`, {
    exitCode: 1,
    hint: `choose 1 to ${IFNAME_MAX} bytes without '/', ':', '%' or white space, such as eth0`,
    details: { ifname: name, max: IFNAME_MAX },
  });
}

function ifnameFault(name: string): string | undefined {
  const bytes = Buffer.byteLength(name);
  if (bytes === 0) return 'is empty';
  if (bytes > IFNAME_MAX) return `has ${bytes} bytes, more than ${IFNAME_MAX}`;
  if (name === '.' || name === '..') return 'is a directory in /sys and /proc';
  if (name === 'lo') return 'is the loopback of every namespace';
  // sysctl_dev_name_is_allowed() of net/ipv4/devinet.c
  if (name === 'all' || name === 'default') return 'would hide sysctls of that name';
  if (IFNAME_BAD.test(name)) return "has a '/', ':', '%', white space or control character";
  return undefined;
}

/** @throws DpctlError VNI_OUT_OF_RANGE, exit 1 */
export function checkVni(vni: number): number {
  return checkRange('VNI_OUT_OF_RANGE', 'VNI', vni, 1, VNI_MAX, 'leave --vni out for a free one');
}

/** @param ageing seconds; 0: never @throws DpctlError AGEING_OUT_OF_RANGE, exit 1 */
export function checkAgeing(ageing: number): number {
  const hint = `--ageing ${AGEING_DEFAULT} is the default, 0 means never`;
  return checkRange('AGEING_OUT_OF_RANGE', 'ageing', ageing, 0, AGEING_MAX, hint, ' s');
}

/**
 * Check a group mask. A bridge never forwards pause frames, and its mask cannot make it forward spanning tree
 * or link aggregation (BR_GROUPFWD_RESTRICTED in the kernel).
 * @param mask bit N stands for 01:80:c2:00:00:0N
 * @throws DpctlError GROUP_MASK_INVALID, exit 1
 */
export function checkGroupMask(mask: number): number {
  if (Number.isInteger(mask) && mask >= 0 && mask <= 0xffff && (mask & 7) === 0) return mask;
  throw new DpctlError(
    'GROUP_MASK_INVALID',
    `group-fwd-mask 0x${mask.toString(16)} has bits other than 3 to 15`,
    {
      exitCode: 1,
      hint: '--group-fwd-mask 0x4000 forwards LLDP; BPDUs (bit 0) always are, pauses and LACP never',
      details: { mask },
    },
  );
}

/**
 * @param mtu bytes of layer 3
 * @param ip6 the interface has an IPv6 address: the kernel disables IPv6 below 1280
 * @throws DpctlError MTU_OUT_OF_RANGE, exit 1
 */
export function checkMtu(mtu: number, ip6 = false): number {
  const min = ip6 ? MTU_MIN_IP6 : MTU_MIN;
  const hint = ip6
    ? `IPv6 needs ${MTU_MIN_IP6}: choose --mtu ${MTU_MIN_IP6} or more, or a network without an IPv6 subnet`
    : 'leave --mtu out for 1500';
  return checkRange('MTU_OUT_OF_RANGE', 'MTU', mtu, min, MTU_MAX, hint, ' bytes');
}

function checkRange(
  code: string,
  what: string,
  value: number,
  min: number,
  max: number,
  hint: string,
  unit = '',
): number {
  if (Number.isInteger(value) && value >= min && value <= max) return value;
  const shown = Number.isNaN(value) ? `${what} is not a whole number` : `${what} ${value}${unit}`;
  throw new DpctlError(code, `${shown}: must be from ${min} to ${max}${unit}`, {
    exitCode: 1,
    hint,
    details: { value: Number.isNaN(value) ? null : value, min, max },
  });
}
