import type { Command } from '../command-spec.js';
import { DRY_RUN } from '../global-flags.js';

export const ATTACH = {
  path: 'attach',
  summary: 'connect a network namespace to a network',
  description: [
    'Makes a veth (or netkit) whose far end is in the namespace, or adopts the veth that is there, gives it an address of the network and attaches the datapath. Missing tables and programs, and the default network, are made first.',
    'On an endpoint that exists, it changes only the settings that are given and differ.',
  ],
  examples: [
    { line: 'dpctl attach ns1', text: 'the next free addresses of the default network' },
    { line: 'dpctl attach ns1 --create', text: 'make the namespace first if it does not exist' },
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
      summary: 'make the namespace if it does not exist; detach deletes it again',
      common: true,
    },
    DRY_RUN,
    {
      name: 'fast',
      type: 'boolean',
      summary: 'attach the program by a filter; an agent replaces it by a tcx link later',
      default: 'off; an agent always does so',
    },
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
      summary: 'MTU of the interface; auto follows what the underlay carries',
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
      summary: 'isolate the endpoint from other isolated endpoints of this node',
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
      summary: 'kind of device to make; auto is netkit if the kernel has it',
      default: 'veth',
    },
  ],
  schemas: ['attached', 'plan'],
  changes: true,
} as const satisfies Command;

export const DETACH = {
  path: 'detach',
  summary: 'disconnect a network namespace from its network',
  description: [
    'Deletes the device that attach made, and restores the settings of one that it adopted. If the namespace is not attached, nothing happens and the exit code is 0.',
    'A namespace that attach --create made is deleted with its last endpoint, unless a process or a foreign interface is in it.',
    'Pids and names can be reused: an endpoint that was attached under another name, which still leads to its namespace, is left alone, and a note says so.',
  ],
  examples: [
    { line: 'dpctl detach ns1', text: 'every endpoint of the namespace' },
    { line: 'dpctl detach ns1 --ifname eth1', text: 'one of them' },
  ],
  args: [
    {
      name: 'NS',
      key: 'ns',
      summary: 'namespace, as given to attach',
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
