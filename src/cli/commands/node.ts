import type { Command } from '../command-spec.js';
import { DRY_RUN } from '../global-flags.js';

export const NODE_ADD = {
  path: 'node add',
  summary: 'add another node, or change its address',
  description: [
    'Flooded frames of every network go to the node, and VXLAN from its address is accepted. A network must have the same VNI on all nodes (dpctl network add NAME --vni NUMBER). Add this node on the other one, too.',
  ],
  examples: [
    { line: 'dpctl node add rack2 --vtep 192.0.2.7', text: '' },
    { line: 'dpctl node add rack2 --vtep 192.0.2.8', text: 'it has moved to another address' },
  ],
  args: [{ name: 'NAME', key: 'name', summary: 'name of the node', completion: 'node' }],
  flags: [
    {
      name: 'vtep',
      type: 'text',
      placeholder: 'ADDRESS',
      summary: 'its address on the underlay (required)',
      common: true,
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
