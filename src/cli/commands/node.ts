import type { Command } from '../command-spec.js';
import { DRY_RUN } from '../global-flags.js';

export const NODE_ADD = {
  path: 'node add',
  summary: 'make another node known, or give it another address',
  description: [
    'The node gets what is flooded on every network, and VXLAN from its address is taken. Networks are told apart by their VNI, which has to be the same on all nodes (dpctl network add NAME --vni NUMBER). The other node has to know this one, too.',
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
      summary: 'its address on the underlay (needed)',
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
  description: ['To delete what is not there is no error.'],
  examples: [{ line: 'dpctl node del rack2', text: '' }],
  args: [{ name: 'NAME', key: 'name', summary: 'name of the node', completion: 'node' }],
  flags: [DRY_RUN],
  schemas: ['node', 'plan'],
  changes: true,
} as const satisfies Command;

export const NODE_LIST = {
  path: 'node list',
  summary: 'list the other nodes that this one knows',
  description: ['What went to each and came from it: dpctl dump nodes.'],
  examples: [{ line: 'dpctl node list', text: '' }],
  args: [],
  flags: [],
  schemas: ['node'],
} as const satisfies Command;
