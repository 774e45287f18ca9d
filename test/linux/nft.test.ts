import { spawn } from 'node:child_process';
import { once } from 'node:events';
import test from 'ava';
import {
  nftApply as applyTable,
  nftDelete as deleteTable,
  type MasqueradeRule,
  nftForwardDrops,
  nftInputDrops,
  nftRead as readTable,
} from '../../src/datapath/nft/nft.js';
import { addrAdd } from '../../src/linux/netlink/address.js';
import { linkSet } from '../../src/linux/netlink/link.js';
import { linkAddVeth } from '../../src/linux/netlink/pair.js';
import { routeAdd } from '../../src/linux/netlink/route.js';
import { withRtnl } from '../../src/linux/netlink/socket.js';
import { sysctlSet } from '../../src/linux/sysctl.js';
import {
  inside,
  netnsPathOf,
  rejection,
  type TestNetns,
  withNamespaces,
} from './helpers/namespaces.js';

const V4 = { network: 'default', subnet: '10.201.0.0/16', exceptIfname: 'dpgw1' };
const V6 = { network: 'default', subnet: 'fd00:201::/64', exceptIfname: 'dpgw1' };
const BLUE = { network: 'blue', subnet: '192.168.7.0/24', exceptIfname: 'dpgw2' };
const HOST = { network: 'one', subnet: '10.1.1.1/32', exceptIfname: 'dpgw3' };

const TABLE = 'dpctl';
const nftApply = (path: string | undefined, masquerades: readonly MasqueradeRule[]) =>
  applyTable(path, TABLE, { masquerades, host: [] });
const nftDelete = (path: string | undefined) => deleteTable(path, TABLE);
const nftRead = async (path: string | undefined) => (await readTable(path, TABLE)).masquerades;

async function rules(ns: TestNetns): Promise<MasqueradeRule[]> {
  const found = await nftRead(netnsPathOf(ns.fd));
  return found.map(({ network, subnet, exceptIfname }) => ({ network, subnet, exceptIfname }));
}

const tables = (ns: TestNetns): string => inside(ns, 'nft', 'list', 'tables').trim();

test('rules are applied, read back and deleted', async (t) => {
  await withNamespaces(1, async (ns) => {
    const path = netnsPathOf(ns.fd);
    t.deepEqual(await rules(ns), []);
    t.true(await nftApply(path, [V4, V6, HOST]));
    t.deepEqual(await rules(ns), [V4, V6, HOST]);
    t.false(await nftApply(path, [HOST, V6, V4]), 'the order is of no matter');
    t.true(await nftApply(path, [V6, BLUE]));
    t.deepEqual(await rules(ns), [V6, BLUE]);
    t.true(await nftApply(path, []));
    t.is(tables(ns), '', 'without rules there is no table');
    t.false(await nftDelete(path));
  });
});

test('a subnet written with host bits is the same subnet', async (t) => {
  await withNamespaces(1, async (ns) => {
    const path = netnsPathOf(ns.fd);
    t.true(await nftApply(path, [{ ...V4, subnet: '10.201.3.4/16' }]));
    t.deepEqual(await rules(ns), [V4]);
    t.false(await nftApply(path, [V4]));
  });
});

test('drift is repaired: a rule removed, a rule put in, a chain put in', async (t) => {
  await withNamespaces(1, async (ns) => {
    const path = netnsPathOf(ns.fd);
    const chain = ['inet', 'dpctl', 'postrouting'];
    await nftApply(path, [V4, V6]);
    inside(ns, 'nft', 'flush', 'chain', ...chain);
    t.true(await nftApply(path, [V4, V6]));
    t.deepEqual(await rules(ns), [V4, V6]);

    inside(ns, 'nft', 'insert', 'rule', ...chain, 'ip', 'daddr', '192.0.2.1', 'drop');
    t.true(await nftApply(path, [V4, V6]));
    t.notRegex(inside(ns, 'nft', 'list', 'ruleset'), /drop/);

    inside(ns, 'nft', 'add', 'chain', 'inet', 'dpctl', 'mine');
    t.true(await nftApply(path, [V4, V6]));
    t.notRegex(inside(ns, 'nft', 'list', 'ruleset'), /mine/);
    t.deepEqual(await rules(ns), [V4, V6]);
  });
});

test('the tables of others stay as they are', async (t) => {
  await withNamespaces(1, async (ns) => {
    const path = netnsPathOf(ns.fd);
    inside(ns, 'nft', 'add', 'table', 'inet', 'other');
    await nftApply(path, [V4]);
    await nftDelete(path);
    t.is(tables(ns), 'table inet other');
  });
});

test('chains that drop forwarded packets are named', async (t) => {
  await withNamespaces(1, async (ns) => {
    const path = netnsPathOf(ns.fd);
    t.deepEqual(await nftForwardDrops(path, 'dpg'), []);
    const hook = '{ type filter hook forward priority filter; policy drop; }';
    inside(ns, 'nft', `table ip fw { chain FORWARD ${hook}; }`);
    const named = [{ family: 'ip', table: 'fw', chain: 'FORWARD' }];
    t.deepEqual(await nftForwardDrops(path, 'dpg'), named);
    inside(ns, 'nft', 'add rule ip fw FORWARD iifname "dpg*" counter drop');
    inside(ns, 'nft', 'add rule ip fw FORWARD iifname "eth*" accept');
    t.deepEqual(await nftForwardDrops(path, 'dpg'), named);
    inside(ns, 'nft', 'add rule ip fw FORWARD iifname "dpg*" accept');
    t.deepEqual(await nftForwardDrops(path, 'dpg'), []);
  });
});

test('chains that surely drop datagrams to a port are named', async (t) => {
  await withNamespaces(1, async (ns) => {
    const path = netnsPathOf(ns.fd);
    const drops = () => nftInputDrops(path, { ifname: 'eth1', port: 4789 });
    t.deepEqual(await drops(), []);
    const hook = '{ type filter hook input priority filter; policy drop; }';
    inside(ns, 'nft', `table inet fw { chain in ${hook}; }`);
    const named = [{ family: 'inet', table: 'fw', chain: 'in' }];
    for (const rule of [
      'ct state established,related accept',
      'iifname "lo" accept',
      'tcp dport 22 accept',
      'udp dport 53 accept',
      'meta l4proto icmp accept',
      'udp dport 4789 drop',
    ]) {
      inside(ns, 'nft', `add rule inet fw in ${rule}`);
      t.deepEqual(await drops(), named, rule);
    }
    for (const rule of [
      'udp dport 4789 accept',
      'udp dport { 53, 4789 } accept',
      'iifname "eth*" accept',
      'ip saddr 192.0.2.0/24 accept',
      'accept',
    ]) {
      inside(ns, 'nft', `add rule inet fw in ${rule}`);
      t.deepEqual(await drops(), [], rule);
      const listed = inside(ns, 'nft', '-a', 'list', 'chain', 'inet', 'fw', 'in');
      const handle = [...listed.matchAll(/# handle (\d+)/g)].at(-1)?.[1] ?? '';
      inside(ns, 'nft', `delete rule inet fw in handle ${handle}`);
    }
  });
});

test('a namespace that is gone, a missing program: errors, not an empty table', async (t) => {
  const gone = await rejection(nftRead('/proc/none/ns/net'));
  t.is(gone.code, 'NFT_FAILED');
  t.is(gone.exitCode, 2);
  const bad = await rejection(nftApply(undefined, [{ ...V4, subnet: 'zork' }]));
  t.is(bad.code, 'ADDRESS_INVALID');
});

test('an endpoint reaches the outside with the address of the host, and the counter says so', async (t) => {
  await withNamespaces(3, async (client, router, server) => {
    wire(client, router, server);
    sysctlSet(router.fd, 'net/ipv4/ip_forward', '1');
    const path = netnsPathOf(router.fd);
    await nftApply(path, [{ network: 'default', subnet: '10.201.0.0/16', exceptIfname: 'gw' }]);

    const listener = spawn('ip', ['netns', 'exec', server.name, process.execPath, '-e', LISTEN], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    try {
      const lines: string[] = [];
      listener.stdout.on('data', (data: Buffer) => lines.push(String(data)));
      while (!lines.join('').includes('ready')) await once(listener.stdout, 'data');
      // The server has no route back to the client: only a masqueraded packet can be answered.
      inside(client, process.execPath, '-e', CONNECT);
      while (!lines.join('').includes('from')) await once(listener.stdout, 'data');
      t.regex(lines.join(''), /from (::ffff:)?203\.0\.113\.1\b/);
    } finally {
      listener.kill('SIGKILL');
      if (listener.exitCode === null && listener.signalCode === null) await once(listener, 'exit');
    }
    const [rule] = await nftRead(path);
    t.is(rule?.packets, 1);
    t.true((rule?.bytes ?? 0) >= 40);
    await nftApply(path, [
      { network: 'default', subnet: '10.201.0.0/16', exceptIfname: 'gw' },
      BLUE,
    ]);
    t.is((await nftRead(path))[0]?.packets, 1, 'a rule that stays keeps its counters');
  });
});

const LISTEN = `require('net').createServer((s) => { console.log('from ' + s.remoteAddress); s.end('ok'); })
  .listen(7000, () => console.log('ready'))`;
const CONNECT = `const s = require('net').connect(7000, '203.0.113.9');
  s.setTimeout(5000, () => process.exit(1)); s.on('data', () => process.exit(0)); s.on('error', () => process.exit(1))`;

/** client 10.201.0.2 -- gw 10.201.0.1 router 203.0.113.1 out -- 203.0.113.9 server */
function wire(client: TestNetns, router: TestNetns, server: TestNetns): void {
  withRtnl(router.fd, (rtnl) => {
    for (const [name, own, ns, peer, prefixLength] of [
      ['gw', '10.201.0.1', client, '10.201.0.2', 16],
      ['out', '203.0.113.1', server, '203.0.113.9', 24],
    ] as const) {
      const near = linkAddVeth(rtnl, { name, up: true, peer: { name: 'eth0', nsFd: ns.fd } });
      addrAdd(rtnl, near.ifindex, { address: own, prefixLength });
      withRtnl(ns.fd, (far) => {
        const ifindex = near.peerIfindex ?? 0;
        linkSet(far, ifindex, { up: true });
        addrAdd(far, ifindex, { address: peer, prefixLength });
        if (ns === client) routeAdd(far, { dst: 'default', gateway: own, ifindex });
      });
    }
  });
}
