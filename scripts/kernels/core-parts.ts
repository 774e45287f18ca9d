/**
 * The core suite: a selection of test/ that takes some minutes in emulation. One or two tests answer a
 * question here; the full suites test all variants, on one kernel.
 */

/** Test files that answer one question about a kernel. */
export interface Part {
  readonly name: string;
  /** The question that it answers, for the document. */
  readonly shows: string;
  /** File below dist/test, without extension. */
  readonly files: readonly string[];
  /**
   * ava's patterns for titles; all tests by default. The star at the end matches the reason of skipped
   * tests.
   */
  readonly match?: readonly string[];
  /** Network cards that its tests use instead of veth pairs, in the order of the hosts. */
  readonly cards?: string;
  /** If the machine lacks a requirement, all of its tests are skipped, and the kernel still passes. */
  readonly optional?: boolean;
}

/** All that is tested on a kernel that dpctl cannot use. */
export const REFUSAL: Part = {
  name: 'refusal',
  shows: 'a kernel that lacks too much: one message, and no change',
  files: ['kernels/features'],
};

export const PARTS: readonly Part[] = [
  {
    name: 'load',
    shows: "every program passes the kernel's verifier; what it refuses is refused by name",
    files: ['kernels/load'],
  },
  {
    name: 'loader',
    shows:
      'libbpf by FFI: maps in batches, links, pins, probes, BPF_PROG_TEST_RUN; links by rtnetlink',
    files: ['loader/link', 'loader/map', 'loader/probe', 'loader/testrun', 'linux/link'],
    match: [
      'a tcx link sees the packets*',
      'replacing the program misses no packet*',
      'a pinned link outlives its descriptor*',
      'XDP, native*',
      'clsact: attach, query, replace*',
      'hash: batches*',
      'a pinned map outlives its descriptor*',
      'features are what bpftool finds*',
      'a packet goes in*',
      'a dump of more links*',
    ],
  },
  {
    name: 'packet',
    shows: 'verdict, bytes and counters of each case: ARP and ND, source lock, learning, flooding',
    files: ['packet/cases'],
  },
  {
    name: 'system',
    shows: 'attach, traffic, tcx and clsact, a hot update under traffic, detach and reset',
    files: ['system/attach', 'system/traffic', 'system/clsact', 'system/upgrade', 'errors/reset'],
    match: [
      'attach is the first command*',
      'attach repeated*',
      'detach leaves nothing*',
      'TCP in both directions*',
      'packets larger than the MTU*',
      'ARP requests*',
      'neighbour solicitations*',
      'multicast reaches*',
      'a frame to a MAC that nobody has*',
      'endpoints are attached by filters*',
      'everything is carried as with tcx*',
      'sources are locked*',
      'reconcile moves all endpoints*',
      'what was learned before*',
      'of a node that has one of everything*',
    ],
  },
  {
    name: 'driver',
    shows: 'endpoints that are netkit pairs, where the kernel has them; refused where not',
    files: ['system/driver'],
    match: [
      'without netkit*',
      'netkit endpoints are made*',
      'netkit and veth*',
      'the host reaches netkit*',
    ],
  },
  {
    name: 'overlay',
    shows: 'two nodes in each way of decapsulating VXLAN, and the same with a bridge and vxlan',
    files: ['overlay/unicast', 'lab/interop'],
    match: [
      'IPv4 underlay, wire, tc: *',
      'IPv4 underlay, wire, tc-gro: *',
      'IPv6 underlay, wire, xdp: *',
      'each way of decapsulating VXLAN*',
    ],
  },
  {
    name: 'virtio',
    shows: 'XDP in the driver of network cards, which has its own word about checksums',
    files: ['overlay/checksum', 'overlay/unicast'],
    match: ['no broken segment is merged with good ones, xdp, IPv4', 'IPv4 underlay, wire, xdp: *'],
    cards: 'eth0,eth1,eth2',
    optional: true,
  },
  {
    name: 'openvswitch',
    shows: "Open vSwitch with the kernel's own datapath is a node of the segment",
    files: ['lab/ovs'],
    match: ["*the kernel's datapath, ip4*"],
    optional: true,
  },
];
