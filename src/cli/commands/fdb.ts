import type { Command, Flag } from '../command-spec.js';
import { DRY_RUN } from '../global-flags.js';

const NETWORK = {
  name: 'network',
  type: 'text',
  placeholder: 'NAME',
  summary: 'network of the entry',
  common: true,
  completion: 'network',
} as const satisfies Flag;

export const FDB_ADD = {
  path: 'fdb add',
  summary: 'add a static MAC address behind an endpoint or node',
  description: [
    'A static entry never ages, and learning never moves or replaces it. If the MAC has one already, the entry moves.',
  ],
  examples: [
    { line: 'dpctl fdb add 02:00:00:00:00:07 ns1', text: 'a machine bridged behind ns1' },
    { line: 'dpctl fdb add 02:00:00:00:00:07 ns1 --network blue --ifname eth1', text: '' },
    {
      line: 'dpctl fdb add 02:00:00:00:00:08 --node rack2 --ip 10.201.0.8',
      text: 'behind another node; requests for the address are answered here',
    },
  ],
  args: [
    { name: 'MAC', key: 'mac', summary: 'unicast MAC address' },
    {
      name: 'NS',
      key: 'ns',
      summary: 'namespace of the endpoint, as given to attach; or use --node',
      optional: true,
      completion: 'endpoint',
    },
  ],
  flags: [
    { ...NETWORK, default: "the endpoint's; with --node, default" },
    {
      name: 'node',
      type: 'text',
      placeholder: 'NAME',
      summary: 'put the MAC behind this other node',
      common: true,
      completion: 'node',
    },
    {
      name: 'ip',
      key: 'ips',
      type: 'list',
      placeholder: 'ADDRESS',
      summary: 'IP addresses of the MAC; this node answers ARP and ND requests for them',
    },
    DRY_RUN,
    {
      name: 'ifname',
      type: 'text',
      placeholder: 'NAME',
      summary: 'interface of the endpoint, where the namespace has several',
      default: 'the only one',
    },
  ],
  schemas: ['fdb added', 'plan'],
  changes: true,
} as const satisfies Command;

export const FDB_DEL = {
  path: 'fdb del',
  summary: 'forget one MAC address, static or learned',
  description: ['If it does not exist, nothing happens and the exit code is 0.'],
  examples: [{ line: 'dpctl fdb del 02:00:00:00:00:07', text: '' }],
  args: [{ name: 'MAC', key: 'mac', summary: 'MAC address' }],
  flags: [
    { ...NETWORK, default: 'the one with a static entry of the MAC, or else default' },
    DRY_RUN,
  ],
  schemas: ['dump fdb', 'plan'],
  changes: true,
} as const satisfies Command;

export const FDB_FLUSH = {
  path: 'fdb flush',
  summary: 'forget the learned MAC addresses',
  description: ['Static entries and the MACs of endpoints stay.'],
  examples: [
    { line: 'dpctl fdb flush', text: 'of every network' },
    { line: 'dpctl fdb flush --network blue', text: 'of one network' },
    { line: 'dpctl fdb flush --ns ns1', text: 'those behind one namespace' },
  ],
  args: [],
  flags: [
    { ...NETWORK, summary: 'only of this network', default: 'all networks' },
    {
      name: 'ns',
      type: 'text',
      placeholder: 'NS',
      summary: 'only those behind this namespace',
      default: 'all namespaces',
      common: true,
      completion: 'endpoint',
    },
  ],
  schemas: ['dump fdb'],
  changes: true,
} as const satisfies Command;
