/**
 * Offloads of a device: segmentation, merging, checksums.
 *
 * Source: include/uapi/linux/ethtool.h (ETHTOOL_GFEATURES and its string set).
 */

import { DpctlError } from '../../loader/errors.js';
import { exec } from '../../loader/hint.js';
import { closeFd } from '../../loader/sys/files.js';
import { inNetns } from '../../loader/sys/netns.js';
import { ioctlEthtool, socketFd } from '../../loader/sys/socket.js';

const AF_INET = 2;
const SOCK_DGRAM = 2;
const ETHTOOL = {
  GDRVINFO: 0x03,
  GSTRINGS: 0x1b,
  GSSET_INFO: 0x37,
  GFEATURES: 0x3a,
  SFEATURES: 0x3b,
} as const;
const ETH_SS_FEATURES = 4;
const STRING_LENGTH = 32;

/**
 * Short names of ethtool(8) that stand for several of the kernel's features; patterns, because kernels add
 * members.
 */
const GROUPS: Readonly<Record<string, RegExp>> = {
  tso: /^tx-tcp.*-segmentation$/,
  gso: /^tx-generic-segmentation$/,
  gro: /^rx-gro$/,
  tx: /^tx-checksum-/,
  rx: /^rx-checksum$/,
  sg: /^tx-scatter-gather/,
};

/** State of one feature. */
export interface Feature {
  readonly active: boolean;
  /** Can be changed by featuresSet. */
  readonly changeable: boolean;
}

/** Features by the kernel's name: 'tx-tcp-segmentation', 'rx-gro', 'tx-udp_tnl-segmentation' ... */
export type Features = ReadonlyMap<string, Feature>;

/**
 * Features of a device in the namespace of `nsFd` (the caller's own when undefined). Throws
 * KERNEL_ENODEV (exit 2).
 */
export function featuresGet(nsFd: number | undefined, ifname: string): Features {
  return withDevice(nsFd, ifname, readFeatures);
}

/**
 * Whether any feature of a short name ('tso', 'gso', 'gro', 'tx', 'rx', 'sg'), or the kernel's feature of
 * that name, is active.
 */
export function isActive(features: Features, name: string): boolean {
  return membersOf(features, name).some((feature) => features.get(feature)?.active === true);
}

/**
 * Switch features by short name or by the kernel's name. Returns the former value of each feature that
 * changed, including those that the kernel switched along with it, so that a second call can restore them.
 * Throws FEATURE_UNKNOWN (exit 1); FEATURE_FIXED (exit 2) when the device cannot do it; KERNEL_ENODEV.
 */
export function featuresSet(
  nsFd: number | undefined,
  ifname: string,
  wanted: Readonly<Record<string, boolean>>,
): Record<string, boolean> {
  return withDevice(nsFd, ifname, (device) => {
    const names = featureNames(device);
    const before = readFeatures(device);
    const data = command(ETHTOOL.SFEATURES, 8 + blocksOf(names.length) * 8);
    data.setUint32(4, blocksOf(names.length), true);
    for (const [name, value] of Object.entries(wanted)) {
      for (const feature of choose(before, ifname, name, value)) {
        const bit = names.indexOf(feature);
        setBit(data, 8 + (bit >> 5) * 8, bit & 31, true);
        setBit(data, 12 + (bit >> 5) * 8, bit & 31, value);
      }
    }
    device(data);
    const changed: Record<string, boolean> = {};
    for (const [name, { active }] of readFeatures(device)) {
      const old = before.get(name)?.active ?? false;
      if (active !== old) changed[name] = old;
    }
    return changed;
  });
}

/** Segments in tunnels, and those of SCTP, which no tunnel takes whole. */
const TUNNELS = [
  'tx-gre-segmentation',
  'tx-gre-csum-segmentation',
  'tx-ipxip4-segmentation',
  'tx-ipxip6-segmentation',
  'tx-udp_tnl-segmentation',
  'tx-udp_tnl-csum-segmentation',
  'tx-sctp-segmentation',
] as const;

/**
 * Whether segments that another tunnel could not take whole may leave a device whole. Throws as featuresGet
 * does.
 */
export function passesTunnels(nsFd: number | undefined, ifname: string): boolean {
  return tunnelsOf(nsFd, ifname).length > 0;
}

/**
 * Kinds of segments that may leave a device whole although another tunnel could not take them so. Throws as
 * featuresGet does.
 */
export function tunnelsOf(nsFd: number | undefined, ifname: string): string[] {
  const features = featuresGet(nsFd, ifname);
  return TUNNELS.filter((name) => isActive(features, name));
}

/**
 * Set whether segments that another tunnel could not take whole may leave a device whole: all, none, or some
 * kinds. Throws as featuresSet does.
 */
export function setTunnels(
  nsFd: number | undefined,
  ifname: string,
  whole: boolean | readonly string[],
): void {
  const features = featuresGet(nsFd, ifname);
  const known = TUNNELS.filter((name) => features.get(name)?.changeable);
  const wanted = (name: string) => (typeof whole === 'boolean' ? whole : whole.includes(name));
  featuresSet(nsFd, ifname, Object.fromEntries(known.map((name) => [name, wanted(name)])));
}

/** A device's driver, such as 'virtio_net'. Throws KERNEL_ENODEV, KERNEL_EOPNOTSUPP (lo has none), exit 2. */
export function driverName(nsFd: number | undefined, ifname: string): string {
  return withDevice(nsFd, ifname, (device) => {
    const info = command(ETHTOOL.GDRVINFO, 196);
    device(info);
    return stringAt(info, 4);
  });
}

/** Runs one ethtool command; the answer overwrites the request. */
type Device = (data: DataView) => void;

function withDevice<T>(nsFd: number | undefined, ifname: string, use: (device: Device) => T): T {
  const open = (): number => socketFd(AF_INET, SOCK_DGRAM, 0);
  const fd = nsFd === undefined ? open() : inNetns(nsFd, open);
  try {
    return use((data) => ioctlEthtool(fd, ifname, new Uint8Array(data.buffer)));
  } finally {
    closeFd(fd);
  }
}

function readFeatures(device: Device): Features {
  const names = featureNames(device);
  const data = command(ETHTOOL.GFEATURES, 8 + blocksOf(names.length) * 16);
  data.setUint32(4, blocksOf(names.length), true);
  device(data);
  const features = new Map<string, Feature>();
  names.forEach((name, bit) => {
    // A bit that is no longer used keeps its position, without a name.
    if (name === '') return;
    // Four words in each block: available, requested, active, never_changed.
    const block = 8 + (bit >> 5) * 16;
    const available = testBit(data, block, bit & 31);
    const fixed = testBit(data, block + 12, bit & 31);
    const active = testBit(data, block + 8, bit & 31);
    features.set(name, { active, changeable: available && !fixed });
  });
  return features;
}

/** Bits are found by name, because their numbers differ between kernels. */
function featureNames(device: Device): string[] {
  const info = command(ETHTOOL.GSSET_INFO, 20);
  info.setBigUint64(8, 1n << BigInt(ETH_SS_FEATURES), true);
  device(info);
  const count = info.getUint32(16, true);
  const strings = command(ETHTOOL.GSTRINGS, 12 + count * STRING_LENGTH);
  strings.setUint32(4, ETH_SS_FEATURES, true);
  strings.setUint32(8, count, true);
  device(strings);
  return Array.from({ length: count }, (_, index) => stringAt(strings, 12 + index * STRING_LENGTH));
}

function membersOf(features: Features, name: string): string[] {
  const pattern = GROUPS[name];
  return [...features.keys()].filter((key) => (pattern ? pattern.test(key) : key === name));
}

/** The features behind a name that must be switched. */
function choose(features: Features, ifname: string, name: string, value: boolean): string[] {
  const members = membersOf(features, name);
  if (members.length === 0) {
    throw new DpctlError('FEATURE_UNKNOWN', `this kernel has no device feature "${name}"`, {
      exitCode: 1,
      hint: exec`ethtool -k ${ifname}`,
    });
  }
  const changeable = members.filter((feature) => features.get(feature)?.changeable);
  const asWanted = value
    ? members.some((feature) => features.get(feature)?.active)
    : members.every((feature) => !features.get(feature)?.active);
  if (changeable.length === 0 && !asWanted) {
    const state = value ? 'off' : 'on';
    throw new DpctlError(
      'FEATURE_FIXED',
      `${ifname}: "${name}" is ${state} and cannot be changed`,
      {
        details: { ifname, feature: name },
      },
    );
  }
  return changeable;
}

function command(number: number, length: number): DataView {
  const data = new DataView(new ArrayBuffer(length));
  data.setUint32(0, number, true);
  return data;
}

function blocksOf(bits: number): number {
  return Math.ceil(bits / 32);
}

function testBit(data: DataView, offset: number, bit: number): boolean {
  return ((data.getUint32(offset, true) >>> bit) & 1) === 1;
}

function setBit(data: DataView, offset: number, bit: number, value: boolean): void {
  const old = data.getUint32(offset, true);
  const mask = 1 << bit;
  data.setUint32(offset, value ? old | mask : old & ~mask, true);
}

function stringAt(data: DataView, offset: number): string {
  const bytes = new Uint8Array(data.buffer, offset, STRING_LENGTH);
  const end = bytes.indexOf(0);
  return new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end));
}
