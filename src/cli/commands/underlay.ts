import type { Command } from '../command-spec.js';
import { DRY_RUN } from '../global-flags.js';

export const UNDERLAY_SET = {
  path: 'underlay set',
  summary: 'reach other nodes over a device, in VXLAN',
  description: [
    'Frames to endpoints of other nodes go out of the device in VXLAN (RFC 7348), and come in the same way. Everything else on the device is left alone, VXLAN of unknown networks too.',
    'Endpoints without an MTU of their own get what the device carries: 50 bytes less, 70 on IPv6. They follow when that changes (dpctl reconcile).',
    'How VXLAN is decapsulated depends on the device: tc does it in the stack; tc-gro lets the kernel merge its packets before, for which a VXLAN device without a network is made; xdp does it in the driver, which then merges the frames inside. auto looks at the device and says why. With tc, what routers say of the size of packets is not heard, so a narrow link further on is a black hole, and TCP is not merged on arrival.',
  ],
  examples: [
    { line: 'dpctl underlay set eth1', text: 'its first global address is this node' },
    { line: 'dpctl underlay set eth1 --vtep 2001:db8::7', text: 'an IPv6 underlay' },
    { line: 'dpctl underlay set eth1 --decap tc-gro', text: 'instead of what was chosen' },
  ],
  args: [
    {
      name: 'DEV',
      key: 'device',
      summary: 'device that leads to the other nodes',
      completion: 'device',
    },
  ],
  flags: [
    {
      name: 'vtep',
      type: 'text',
      placeholder: 'ADDRESS',
      summary: 'address of this node, under which the others know it; auto is one of the device',
      default: 'auto',
      common: true,
    },
    DRY_RUN,
    {
      name: 'port',
      type: 'integer',
      placeholder: 'NUMBER',
      summary: 'UDP port, the same on all nodes',
      default: '4789',
    },
    {
      name: 'decap',
      type: 'text',
      placeholder: 'MODE',
      choices: ['auto', 'tc', 'tc-gro', 'xdp'],
      summary: 'how VXLAN is decapsulated; with tc, a narrow link further on is a black hole',
      default: 'auto',
    },
  ],
  schemas: ['underlay set', 'plan'],
  changes: true,
} as const satisfies Command;

export const UNDERLAY_DEL = {
  path: 'underlay del',
  summary: 'reach no other node any more',
  description: [
    'The nodes stay known, for another underlay. Endpoints without an MTU of their own go back to 1500. To delete what is not there is no error.',
  ],
  examples: [{ line: 'dpctl underlay del', text: '' }],
  args: [],
  flags: [DRY_RUN],
  schemas: ['underlay', 'plan'],
  changes: true,
} as const satisfies Command;

export const UNDERLAY_SHOW = {
  path: 'underlay show',
  summary: 'show how this node reaches others, and why so',
  examples: [{ line: 'dpctl underlay show', text: '' }],
  args: [],
  flags: [],
  schemas: ['underlay'],
} as const satisfies Command;
