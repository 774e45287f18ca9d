import type { Command } from '../command-spec.js';
import { DRY_RUN } from '../global-flags.js';

export const ATTACH = {
  path: 'attach',
  summary: 'connect a network namespace to a network',
  description: [
    'Makes a veth (or netkit) whose far end is in the namespace, or adopts the veth that is there, gives it an address of the network and lets the datapath switch its frames. What is not there yet (tables, programs, the default network) is made on the way.',
    'Repeated, it changes only what is given and different; an endpoint that is as asked is left alone.',
  ],
  examples: [
    { line: 'dpctl attach ns1', text: 'the next free addresses of the default network' },
    { line: 'dpctl attach ns1 --create', text: 'make the namespace first, if it is not there' },
    {
      line: 'dpctl attach web --network blue --ip 10.1.0.10 --ip fd00:1::10',
      text: 'chosen addresses',
    },
    { line: 'dpctl attach 4711', text: 'the namespace of process 4711' },
    {
      line: 'dpctl attach router --allow-prefix 192.168.0.0/16',
      text: 'an endpoint that forwards for others',
    },
    {
      line: 'dpctl attach web --label app=shop --label tier-',
      text: 'set a label, remove another',
    },
  ],
  args: [
    {
      name: 'NS',
      key: 'ns',
      summary: 'namespace: a name in /run/netns, a path, or a pid',
      completion: 'namespace',
    },
  ],
  flags: [
    {
      name: 'network',
      type: 'text',
      placeholder: 'NAME',
      summary: 'network to join',
      default: 'default',
      common: true,
      completion: 'network',
    },
    {
      name: 'ip',
      key: 'ips',
      type: 'list',
      placeholder: 'ADDRESS[/LENGTH]',
      summary: 'address, at most one IPv4 and one IPv6',
      default: 'the next free ones',
      common: true,
    },
    {
      name: 'create',
      type: 'boolean',
      summary: 'make the namespace if it is not there; detach deletes it again',
      common: true,
    },
    DRY_RUN,
    {
      name: 'mac',
      type: 'text',
      placeholder: 'MAC',
      summary: 'MAC address inside the namespace',
      default: 'made from the IPv4 address',
    },
    {
      name: 'mtu',
      type: 'integer',
      placeholder: 'BYTES',
      choices: ['auto'],
      summary: 'largest packet of layer 3; auto is what the underlay carries, and follows it',
      default: 'auto; of an interface that is there, the one it has',
    },
    {
      name: 'ifname',
      type: 'text',
      placeholder: 'NAME',
      summary: 'name of the interface inside the namespace',
      default: 'eth0',
    },
    {
      name: 'isolated',
      type: 'boolean',
      negatable: true,
      summary: 'no traffic with other isolated endpoints of this node',
      default: 'off',
    },
    {
      name: 'lock',
      type: 'boolean',
      negatable: true,
      summary: 'accept any source address, and learn the MACs behind the endpoint',
      default: 'on',
    },
    {
      name: 'allow-prefix',
      key: 'allowPrefixes',
      type: 'list',
      negatable: true,
      placeholder: 'PREFIX',
      summary: 'further source addresses of an endpoint that forwards',
    },
    {
      name: 'label',
      key: 'labels',
      type: 'list',
      placeholder: 'KEY=VALUE',
      summary: 'set a label, by the rules of Kubernetes; KEY- removes it',
    },
    {
      name: 'driver',
      type: 'text',
      placeholder: 'KIND',
      choices: ['veth', 'netkit', 'auto'],
      summary: 'kind of device that is made; auto is netkit where the kernel has it',
      default: 'veth',
    },
  ],
  schemas: ['attached', 'plan'],
  changes: true,
} as const satisfies Command;

export const DETACH = {
  path: 'detach',
  summary: 'take a network namespace off its network',
  description: [
    'Deletes the device that attach made; an adopted one gets its former settings back. To detach what is not attached is no error.',
    'A namespace that attach --create made is deleted with its last endpoint, unless a process or an interface of somebody else is in it.',
    'Pids and names are used again: an endpoint that was attached by another name, which still means its namespace, is left alone, and the note says so.',
  ],
  examples: [
    { line: 'dpctl detach ns1', text: 'every endpoint of the namespace' },
    { line: 'dpctl detach ns1 --ifname eth1', text: 'one of them' },
  ],
  args: [
    {
      name: 'NS',
      key: 'ns',
      summary: 'namespace, as attach was told',
      completion: 'endpoint',
    },
  ],
  flags: [
    DRY_RUN,
    {
      name: 'ifname',
      type: 'text',
      placeholder: 'NAME',
      summary: 'only the endpoint with this interface',
      default: 'all of them',
    },
  ],
  schemas: ['detached', 'plan'],
  changes: true,
} as const satisfies Command;

export const ENDPOINTS = {
  path: 'endpoints',
  summary: 'list the attached namespaces',
  examples: [
    { line: 'dpctl endpoints', text: 'who is attached, where and with which addresses' },
    { line: "dpctl endpoints -j | jq -r '.[].ip4'", text: 'for scripts' },
  ],
  args: [],
  flags: [],
  schemas: ['endpoint'],
} as const satisfies Command;
