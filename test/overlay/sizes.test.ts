/**
 * Packets of every size around the MTU, by each decap mode, with merging and segmentation on and off:
 * nothing is lost, and every byte is unchanged.
 */
import { join } from 'node:path';
import test from 'ava';
import { vtep4, vtep6 } from './helpers/address-plan.js';
import { makeFabric } from './helpers/fabric.js';
import { OVERHEAD } from './helpers/node.js';
import { sh, start, until } from './helpers/shell.js';

const ECHO = join(import.meta.dirname, 'helpers/echo.js');
const PORT = '7007';
const MTU = 1500;
/** A UDP and two TCP messages of 121 sizes. */
const MESSAGES = '363\n';

/** Retransmissions and errors of a container's stack. */
function troubles(ns: string): Record<string, number> {
  const lines = sh(ns, 'cat', '/proc/net/snmp').split('\n');
  const [names = [], values = []] = lines
    .filter((line) => line.startsWith('Tcp:') || line.startsWith('Udp:'))
    .reduce<string[][]>(
      (columns, line, at) => {
        const [head = '', ...words] = line.split(' ');
        columns[at % 2]?.push(...(at % 2 === 0 ? words.map((word) => head + word) : words));
        return columns;
      },
      [[], []],
    );
  const told = ['Tcp:RetransSegs', 'Tcp:InErrs', 'Tcp:InCsumErrors', 'Udp:InErrors'];
  return Object.fromEntries(told.map((name) => [name, Number(values[names.indexOf(name)])]));
}

function offload(ns: string, device: string, ...words: readonly string[]): void {
  sh(ns, 'ethtool', '-K', device, ...words);
}

for (const family of [4, 6] as const) {
  for (const decap of ['tc', 'tc-gro', 'xdp'] as const) {
    test.serial(`IPv${family} underlay, ${decap}`, async (t) => {
      const fabric = makeFabric({ mtu: MTU });
      t.teardown(() => fabric.close());
      const vtep = family === 4 ? vtep4 : vtep6;
      const nodes = [1, 2].map((number) => fabric.node(number, { family, decap }));
      const containers = nodes.map((node) => {
        node.network(1, 100, [3 - node.number]);
        node.peer(3 - node.number, vtep(3 - node.number));
        return node.container(1, 1);
      });
      const [a, b] = containers;
      if (a === undefined || b === undefined) throw new Error('no containers');
      // TCP resends a tail loss probe without any loss if the peer is slow.
      for (const { ns } of containers) sh(ns, 'sysctl', '-qw', 'net.ipv4.tcp_early_retrans=0');
      const server = start(b.ns, [process.execPath, ECHO, 'server', PORT]);
      try {
        await until('the server is ready', () => server.output().includes('ready'));
        const before = nodes.map((node) => node.reasons());
        const calm = containers.map(({ ns }) => troubles(ns));
        for (const gro of ['on', 'off']) {
          for (const tso of ['on', 'off']) {
            for (const node of nodes) {
              const segmenting = ['tso', tso, 'gso', tso, 'tx-udp_tnl-segmentation', tso];
              offload(node.ns, 'under0', 'gro', gro, ...segmenting);
            }
            for (const { ns } of containers) offload(ns, 'eth0', 'tso', tso, 'gso', tso);
            for (const address of [b.ip4, b.ip6]) {
              const inside = `${MTU - OVERHEAD[family]}`;
              const argv = [process.execPath, ECHO, 'client', address, PORT, inside];
              const client = start(a.ns, argv);
              await client.ended();
              t.is(`${client.output()}`, MESSAGES, `GRO ${gro}, TSO ${tso}, ${address}`);
            }
          }
        }
        t.deepEqual(
          nodes.map((node) => node.reasons()),
          before,
        );
        t.deepEqual(
          containers.map(({ ns }) => troubles(ns)),
          calm,
          'nothing was sent again',
        );
      } finally {
        await server.stop('SIGKILL');
      }
    });
  }
}
