/** The kernel features that dpctl uses, and what it does without them. */
import { disabledFeatures, type Feature, hasFeature } from '../../loader/probe.js';
import type { FeatureRow } from '../api/status.js';
import { hasNetkit } from '../linux/netlink/pair.js';
import { type Rtnl, withRtnl } from '../linux/netlink/socket.js';

interface Use {
  /** The first kernel with the feature, for users: dpctl itself probes. */
  readonly since: string;
  /** What happens without it; not set if dpctl cannot work at all. */
  readonly without?: string;
}

const USES = {
  redirect_peer: { since: '5.10' },
  redirect_neigh: { since: '5.10' },
  ringbuf: { since: '5.8' },
  bpf_timer: { since: '5.15' },
  bpf_loop: { since: '5.17' },
  batch: { since: '5.6', without: 'large tables are read and filled slowly' },
  jit: { since: '3.18', without: 'programs are interpreted, several times slower' },
  tcx: { since: '6.6', without: 'programs are attached as clsact filters' },
  fib_skip_neigh: { since: '6.3', without: "the next node's MAC is looked up twice" },
  tunnel_key_local: {
    since: '6.0',
    without: 'the kernel merges no VXLAN for dpctl (--decap tc-gro)',
  },
  adjust_room_decap_l3: {
    since: '6.3',
    without: "frames of the underlay's other IP family are retyped on the way",
  },
  kernel_types: {
    since: '6.2',
    without: 'a frame to an endpoint that is down counts as delivered, unless its device is gone',
  },
  adjust_room_decap_l4_udp: {
    since: '7.1',
    without: 'VXLAN that an endpoint forwards is decapsulated by the kernel',
  },
} as const satisfies Partial<Record<Feature, Use>>;

/** Not a BPF feature, so rtnetlink is asked. */
const NETKIT: Use = { since: '6.10', without: 'endpoints are veth pairs' };

/**
 * Whether this kernel makes netkit pairs of the kind that endpoints need, tested with a request that it must
 * refuse. DPCTL_PROBE_DISABLE=netkit simulates a kernel without netkit.
 * @throws DpctlError KERNEL_EPERM, exit 2
 */
export function netkitAvailable(rtnl: Rtnl): boolean {
  return !disabledFeatures().includes('netkit') && hasNetkit(rtnl);
}

/** Features that loading requires, with the first kernels that have them. */
export const REQUIRED: ReadonlyMap<Feature, string> = new Map(
  Object.entries(USES)
    .filter(([, use]) => !('without' in use))
    .map(([name, { since }]) => [name as Feature, since]),
);

/**
 * Every feature that dpctl uses, and whether the running kernel has it.
 * @throws DpctlError BPF_PERMISSION, BPF_MISSING or KERNEL_EPERM if there is no answer
 */
export function featureRows(): FeatureRow[] {
  return [
    ...Object.entries(USES).map(([name, use]) =>
      featureRow(name as Feature, use, hasFeature(name as Feature)),
    ),
    featureRow('netkit', NETKIT, withRtnl(undefined, netkitAvailable)),
  ];
}

function featureRow(feature: Feature | 'netkit', use: Use, here: boolean): FeatureRow {
  return {
    feature,
    here,
    required: use.without === undefined,
    since: use.since,
    without: use.without ?? 'dpctl refuses to work',
  };
}
