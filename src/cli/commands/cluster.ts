import type { Command } from '../command-spec.js';

export const CLUSTER_JOIN = {
  path: 'cluster join',
  summary: 'share networks, addresses and nodes with others, through etcd',
  description: [
    'The node registers with the address of its underlay, claims its networks and the addresses of its endpoints, and makes known what other nodes have there. If the cluster has something that this node has, too, nothing is changed.',
    'From then on no address is given twice, and a new endpoint is known on all nodes. dpctl agent follows the cluster; without it, dpctl reconcile looks once. Forwarding needs neither etcd nor the agent.',
    'The password comes from DPCTL_CLUSTER_PASSWORD or from --password-file, and is kept in a file that only root can read. Certificates stay where they are.',
  ],
  examples: [
    {
      line: 'dpctl cluster join etcd://10.0.0.1:2379,10.0.0.2:2379 --ca ca.pem --cert node.pem --key node.key',
      text: 'with a certificate',
    },
    {
      line: 'dpctl cluster join etcds://10.0.0.1 --ca ca.pem --user dpctl --password-file etcd.password',
      text: 'with a user',
    },
  ],
  args: [
    {
      name: 'ENDPOINTS',
      key: 'endpoints',
      summary:
        'members of etcd: etcd://HOST:PORT,HOST:PORT; etcds:// for TLS without a certificate',
    },
  ],
  flags: [
    {
      name: 'ca',
      type: 'text',
      placeholder: 'FILE',
      summary: "certificates of the authority that signed etcd's",
      common: true,
    },
    {
      name: 'cert',
      type: 'text',
      placeholder: 'FILE',
      summary: 'certificate of this node',
      common: true,
    },
    { name: 'key', type: 'text', placeholder: 'FILE', summary: 'its key', common: true },
    { name: 'user', type: 'text', placeholder: 'NAME', summary: 'user of etcd' },
    {
      name: 'password-file',
      type: 'text',
      placeholder: 'FILE',
      summary: 'file that holds the password of the user',
    },
    {
      name: 'name',
      type: 'text',
      placeholder: 'NAME',
      summary: 'name of this node in the cluster',
      default: 'that of the machine',
      common: true,
    },
    {
      name: 'grace',
      type: 'seconds',
      placeholder: 'TIME',
      summary: 'keep what is known of a lost node for this time',
      default: '5m',
    },
  ],
  schemas: ['cluster'],
  changes: true,
} as const satisfies Command;

export const CLUSTER_LEAVE = {
  path: 'cluster leave',
  summary: 'give back what this node has in its cluster, and forget the others',
  description: [
    'Its endpoints and networks stay, and go on among themselves. The other nodes are forgotten. If the node is in no cluster, nothing happens and the exit code is 0.',
  ],
  examples: [
    { line: 'dpctl cluster leave', text: '' },
    { line: 'dpctl cluster leave --force', text: 'etcd no longer exists' },
  ],
  args: [],
  flags: [
    {
      name: 'force',
      type: 'boolean',
      summary: 'leave although etcd does not answer: its records of this node stay there',
    },
  ],
  schemas: ['cluster'],
  changes: true,
} as const satisfies Command;

export const CLUSTER_STATUS = {
  path: 'cluster status',
  summary: 'show members, nodes and networks of the cluster',
  description: [
    'A node is alive while its agent keeps its lease, and lost when the lease has ended. Exit code 4 if etcd does not answer, or does not have all endpoints of this node.',
  ],
  examples: [
    { line: 'dpctl cluster status', text: '' },
    { line: 'dpctl cluster status -o json', text: '' },
  ],
  args: [],
  flags: [],
  schemas: ['cluster node', 'cluster member'],
} as const satisfies Command;
