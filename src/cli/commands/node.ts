import type { Command } from '../command-spec.js';
import { DRY_RUN } from '../global-flags.js';

export const NODE_ADD = {
  path: 'node add',
  summary: 'add another node, or change its address or its prefixes',
  description: [
    'Flooded frames of every network go to the node, and VXLAN from its address is accepted. A network must have the same VNI on all nodes (dpctl network add NAME --vni NUMBER). Add this node on the other one, too.',
    'With --prefix, all addresses of the prefix are on the node: what is attached there can be reached at once. ARP requests for them are answered here, with the MAC that dpctl makes of an address; frames to such a MAC go to the node without flooding and learning. Entries of fdb add, and endpoints of this node, come first. Of several prefixes the longest counts.',
  ],
  examples: [
    { line: 'dpctl node add rack2 --vtep 192.0.2.7', text: '' },
    { line: 'dpctl node add rack2 --vtep 192.0.2.8', text: 'it has moved to another address' },
    {
      line: 'dpctl node add rack2 --prefix 10.201.4.0/24',
      text: 'it owns these addresses of network default',
    },
    { line: 'dpctl node add rack2 --no-prefix --network blue', text: '' },
  ],
  args: [{ name: 'NAME', key: 'name', summary: 'name of the node', completion: 'node' }],
  flags: [
    {
      name: 'vtep',
      type: 'text',
      placeholder: 'ADDRESS',
      summary: 'its address on the underlay; required for a new node',
      common: true,
    },
    {
      name: 'prefix',
      key: 'prefixes',
      type: 'list',
      negatable: true,
      placeholder: 'PREFIX',
      summary: 'prefixes of the network that it owns, in place of the former ones',
      common: true,
    },
    {
      name: 'network',
      type: 'text',
      placeholder: 'NAME',
      summary: 'network of the prefixes',
      default: 'default',
      completion: 'network',
    },
    DRY_RUN,
  ],
  schemas: ['node added', 'plan'],
  changes: true,
} as const satisfies Command;

export const NODE_DEL = {
  path: 'node del',
  summary: 'forget another node and the MAC addresses behind it',
  description: ['If it does not exist, nothing happens and the exit code is 0.'],
  examples: [{ line: 'dpctl node del rack2', text: '' }],
  args: [{ name: 'NAME', key: 'name', summary: 'name of the node', completion: 'node' }],
  flags: [DRY_RUN],
  schemas: ['node', 'plan'],
  changes: true,
} as const satisfies Command;

export const NODE_LIST = {
  path: 'node list',
  summary: 'list the other nodes that this one knows',
  description: ['Packets sent to each node and received from it: dpctl dump nodes.'],
  examples: [{ line: 'dpctl node list', text: '' }],
  args: [],
  flags: [],
  schemas: ['node'],
} as const satisfies Command;
