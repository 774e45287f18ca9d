import type { Command } from '../command-spec.js';
import { DRY_RUN } from '../global-flags.js';

export const NETWORK_ADD = {
  path: 'network add',
  summary: 'make a network, or change one',
  description: [
    'A network is one layer 2 segment. On a network that exists, the command changes only the settings that are given and differ.',
  ],
  examples: [
    { line: 'dpctl network add blue --subnet 10.1.0.0/16', text: 'addresses from a subnet' },
    {
      line: 'dpctl network add lan --subnet 10.2.0.0/24 --subnet fd00:2::/64 --gateway --masquerade',
      text: 'reach the host and the outside',
    },
    { line: 'dpctl network add blue --ageing 60s', text: 'change how long a MAC is remembered' },
    { line: 'dpctl network add lan --no-gateway', text: 'cut it off from the host again' },
    { line: 'dpctl network add raw', text: 'no addresses: a bare segment' },
    {
      line: 'dpctl network add blue --vni 100 --range 10.1.7.0/24',
      text: 'on several nodes: the same VNI, and other addresses on each',
    },
    {
      line: 'dpctl network add default --own-prefix 10.201.4.0/24',
      text: 'this node owns them; on the others: node add NAME --prefix 10.201.4.0/24',
    },
  ],
  args: [{ name: 'NAME', key: 'name', summary: 'name of the network', completion: 'network' }],
  flags: [
    {
      name: 'subnet',
      key: 'subnets',
      type: 'list',
      placeholder: 'PREFIX',
      summary: 'addresses for its endpoints, at most one IPv4 and one IPv6 prefix',
      common: true,
    },
    {
      name: 'gateway',
      type: 'switch-list',
      negatable: true,
      placeholder: 'ADDRESS',
      summary:
        "the host's addresses on the segment; without a value, the first address of each subnet",
      default: 'no gateway',
      common: true,
    },
    {
      name: 'masquerade',
      type: 'boolean',
      negatable: true,
      summary: "masquerade packets that leave through the gateway: they take the host's address",
      default: 'off',
      common: true,
    },
    {
      name: 'route-between',
      key: 'routeBetween',
      type: 'boolean',
      negatable: true,
      summary:
        'let the host route to and from other networks that have this flag, through their gateways',
      default: 'off: networks are apart',
    },
    DRY_RUN,
    {
      name: 'vni',
      type: 'integer',
      placeholder: 'NUMBER',
      summary: 'VXLAN network identifier, 1 to 16777215',
      default: 'the lowest free one',
    },
    {
      name: 'range',
      key: 'ranges',
      type: 'list',
      placeholder: 'PREFIX',
      summary:
        'part of a subnet from which this node assigns addresses; a different one on each node',
      default: 'the whole subnet',
    },
    {
      name: 'own-prefix',
      key: 'ownPrefixes',
      type: 'list',
      negatable: true,
      placeholder: 'PREFIX',
      summary:
        'prefix of a subnet that this node owns, as the others have it (node add --prefix): it assigns addresses from it, and drops frames to those that no endpoint has',
    },
    {
      name: 'ageing',
      type: 'seconds',
      placeholder: 'TIME',
      summary: 'forget a silent learned MAC after this time; 0 is never',
      default: '300s',
    },
    {
      name: 'big-tcp',
      type: 'boolean',
      negatable: true,
      summary: 'allow GSO and GRO of 192 KB at the endpoints (BIG TCP)',
      default: 'off',
    },
    {
      name: 'flood-unknown',
      key: 'floodUnknown',
      type: 'boolean',
      negatable: true,
      summary: 'drop frames to unknown MACs, as a bridge port with flood off',
      default: 'on',
    },
    {
      name: 'learn-nodes',
      key: 'learnNodes',
      type: 'boolean',
      negatable: true,
      summary:
        'learn no MACs behind other nodes; use those of `fdb add` only, as a VXLAN device with learning off',
      default: 'on',
    },
    {
      name: 'group-fwd-mask',
      type: 'mask',
      placeholder: 'MASK',
      summary: 'forward 01:80:c2:00:00:0N for each bit N from 3 to 15, as a bridge; 0x4000 is LLDP',
      default: '0; spanning tree (00) always is',
    },
  ],
  schemas: ['network added', 'plan'],
  changes: true,
} as const satisfies Command;

export const NETWORK_DEL = {
  path: 'network del',
  summary: 'delete a network that has no endpoints',
  description: ['If it does not exist, nothing happens and the exit code is 0.'],
  examples: [{ line: 'dpctl network del blue', text: '' }],
  args: [{ name: 'NAME', key: 'name', summary: 'name of the network', completion: 'network' }],
  flags: [DRY_RUN],
  schemas: ['network', 'plan'],
  changes: true,
} as const satisfies Command;

export const NETWORK_LIST = {
  path: 'network list',
  summary: 'list the networks',
  examples: [{ line: 'dpctl network list', text: '' }],
  args: [],
  flags: [],
  schemas: ['network'],
} as const satisfies Command;
