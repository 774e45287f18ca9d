import type { Command, Flag } from '../command-spec.js';

const NAME = {
  name: 'name',
  type: 'text',
  placeholder: 'NAME',
  summary: 'name of the lab; several can be up at the same time',
  default: 'lab',
} as const satisfies Flag;

export const LAB_UP = {
  path: 'lab up',
  summary: 'make nodes with endpoints on this machine, connected by an underlay',
  description: [
    'A node is a network namespace (lab-n1, lab-n2 ...) with a root directory of its own; its endpoints are namespaces, too (lab-n1e1 ...). Node N has 10.210.N.0/24 of each network for its endpoints. On a lab that exists, it applies what changed and repairs what was damaged or interrupted. A node that cannot be repaired is made again, with its endpoints.',
    'A veth passes GSO segments whole, as no real wire does: --underlay wire cuts them into packets of the MTU and merges them on arrival, as network cards do.',
  ],
  examples: [
    { line: 'dpctl lab up', text: 'two nodes with two endpoints each' },
    { line: 'dpctl lab up --nodes 3 --vnis 2 --underlay wire --mtu 9000', text: '' },
    { line: 'dpctl lab up --loss 1 --delay 20', text: 'a bad link, in each direction' },
  ],
  args: [],
  flags: [
    {
      name: 'nodes',
      type: 'integer',
      placeholder: 'COUNT',
      summary: 'number of nodes',
      default: '2',
      common: true,
    },
    {
      name: 'endpoints',
      type: 'integer',
      placeholder: 'COUNT',
      summary: 'number of endpoints of each node in each network',
      default: '2',
      common: true,
    },
    {
      name: 'vnis',
      type: 'integer',
      placeholder: 'COUNT',
      summary: 'number of networks, each with its VNI',
      default: '1',
      common: true,
    },
    {
      name: 'underlay',
      type: 'text',
      placeholder: 'KIND',
      choices: ['gso', 'wire'],
      summary: 'pass GSO segments whole (veth), or cut them into packets (wire)',
      default: 'gso',
      common: true,
    },
    {
      name: 'family',
      type: 'text',
      placeholder: 'FAMILY',
      choices: ['ip4', 'ip6'],
      summary: 'addresses of the nodes on the underlay',
      default: 'ip4',
    },
    {
      name: 'decap',
      type: 'text',
      placeholder: 'MODE',
      choices: ['auto', 'tc', 'tc-gro', 'xdp'],
      summary: 'how the nodes decapsulate VXLAN',
      default: 'auto',
    },
    {
      name: 'mtu',
      type: 'integer',
      placeholder: 'BYTES',
      summary: 'MTU of the underlay',
      default: '1500',
    },
    {
      name: 'loss',
      type: 'integer',
      placeholder: 'PERCENT',
      summary: 'packets that the underlay loses, towards each node',
      default: '0',
    },
    {
      name: 'delay',
      type: 'integer',
      placeholder: 'MILLISECONDS',
      summary: 'delay of the underlay, towards each node',
      default: '0',
    },
    NAME,
  ],
  schemas: ['lab'],
  changes: true,
  repeats: true,
} as const satisfies Command;

export const LAB_DOWN = {
  path: 'lab down',
  summary: 'remove a lab without a trace',
  description: [
    'Works in any state of the lab. If the lab does not exist, nothing happens and the exit code is 0.',
  ],
  examples: [{ line: 'dpctl lab down', text: '' }],
  args: [],
  flags: [NAME],
  schemas: ['lab'],
  changes: true,
  repeats: true,
} as const satisfies Command;

export const LAB_LIST = {
  path: 'lab list',
  summary: 'list the nodes and endpoints of the labs',
  examples: [{ line: 'dpctl lab list', text: '' }],
  args: [],
  flags: [{ ...NAME, summary: 'only this lab', default: 'all of them' }],
  schemas: ['lab'],
} as const satisfies Command;

export const LAB_EXEC = {
  path: 'lab exec',
  summary: 'run a program in a node or an endpoint of a lab',
  description: [
    "The exit code is the program's. In a node, dpctl is this same program and works on that node (DPCTL_ROOT).",
  ],
  examples: [
    { line: 'dpctl lab exec n1e1 ping -c 3 10.210.2.1', text: 'from one node to the other' },
    { line: 'dpctl lab exec n2 dpctl dump nodes', text: 'dpctl as on that node' },
  ],
  args: [
    { name: 'WHERE', key: 'where', summary: 'n1 is node 1, n1e2 its endpoint 2' },
    { name: 'COMMAND', key: 'command', summary: 'the program and its arguments', rest: true },
  ],
  flags: [NAME],
  schemas: [],
  changes: false,
} as const satisfies Command;
