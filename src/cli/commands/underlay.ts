import type { Command } from '../command-spec.js';
import { DRY_RUN } from '../global-flags.js';

export const UNDERLAY_SET = {
  path: 'underlay set',
  summary: 'connect this node to others through a device, with VXLAN',
  description: [
    'Frames to and from endpoints of other nodes travel through the device in VXLAN (RFC 7348). All other traffic of the device is left alone, VXLAN of unknown networks included.',
    'Endpoints without an MTU of their own get what the device carries: 50 bytes less, 70 on IPv6. They follow a change (dpctl reconcile).',
    '--decap says where VXLAN is decapsulated: tc in the stack; tc-gro after GRO has merged the packets, for which dpctl makes a VXLAN device without a network (the anchor); xdp in the driver, before GRO merges the inner frames. auto chooses by the device and says why. With tc, path MTU errors of routers are ignored, so a link with a smaller MTU becomes a black hole, and TCP is not merged on arrival.',
  ],
  examples: [
    { line: 'dpctl underlay set eth1', text: "with the device's first global address" },
    { line: 'dpctl underlay set eth1 --vtep 2001:db8::7', text: 'an IPv6 underlay' },
    { line: 'dpctl underlay set eth1 --decap tc-gro', text: 'instead of the automatic choice' },
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
      summary: 'VTEP address of this node, as other nodes know it; auto takes one of the device',
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
      summary:
        'where VXLAN is decapsulated; with tc, a link with a smaller MTU becomes a black hole',
      default: 'auto',
    },
  ],
  schemas: ['underlay set', 'plan'],
  changes: true,
} as const satisfies Command;

export const UNDERLAY_DEL = {
  path: 'underlay del',
  summary: 'disconnect this node from all others',
  description: [
    'The records of other nodes stay, for another underlay. Endpoints without an MTU of their own go back to 1500. If there is no underlay, nothing happens and the exit code is 0.',
  ],
  examples: [{ line: 'dpctl underlay del', text: '' }],
  args: [],
  flags: [DRY_RUN],
  schemas: ['underlay', 'plan'],
  changes: true,
} as const satisfies Command;

export const UNDERLAY_SHOW = {
  path: 'underlay show',
  summary: 'show the underlay, and why it is set up this way',
  examples: [{ line: 'dpctl underlay show', text: '' }],
  args: [],
  flags: [],
  schemas: ['underlay'],
} as const satisfies Command;
