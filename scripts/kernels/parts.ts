/** The core suite: a choice from test/, some minutes long in emulation. */

/** Test files that answer one question about a kernel. */
export interface Part {
  readonly name: string;
  /** What it shows, for the document. */
  readonly shows: string;
  /** Below dist/test, without the ending. */
  readonly files: readonly string[];
  /** ava's patterns for titles; all tests when left out. */
  readonly match?: readonly string[];
}

/** All that is to be seen of a kernel that dpctl cannot work on. */
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
    shows: 'libbpf by FFI: maps in batches, links, pins, probes, BPF_PROG_TEST_RUN',
    files: ['loader/link', 'loader/map', 'loader/object', 'loader/probe', 'loader/testrun'],
  },
  {
    name: 'packet',
    shows: 'verdict, bytes and counters of each case: ARP and ND, source lock, learning, flooding',
    files: ['packet/cases', 'packet/control', 'packet/delivery', 'packet/refused'],
  },
  {
    name: 'system',
    shows: 'attach, traffic, filters of others, a hot update under traffic, detach and reset',
    files: ['system/attach', 'system/traffic', 'system/clsact', 'system/upgrade'],
  },
  {
    name: 'overlay',
    shows: 'two nodes in each way of taking VXLAN apart, and the same with a bridge and vxlan',
    files: ['overlay/unicast', 'lab/interop'],
  },
];
