/**
 * Containers that forward: to other nodes, and in tunnels of their own. The kernel must not treat their
 * packets as it did on the underlay.
 */
import test, { type ExecutionContext } from 'ava';
import type { FabricOptions } from './helpers/fabric.js';
import { type Container, type Decap, OPEN } from './helpers/node.js';
import type { Guest } from './helpers/peer.js';
import { makeSegment, reasonsDuring } from './helpers/segment.js';
import { batch, sh } from './helpers/shell.js';
import { nstat, pings, transfer } from './helpers/traffic.js';

const BULK = 8 << 20;
/** An address of the guest that is only reachable through the router. */
const BEHIND = '10.99.3.1';

/** The container itself segments packets of its tunnels: dpctl sets that when it creates eth0. */
function cutTunnels({ ns }: { readonly ns: string }): void {
  sh(
    ns,
    'ethtool',
    '-K',
    'eth0',
    'tx-udp_tnl-segmentation',
    'off',
    'tx-udp_tnl-csum-segmentation',
    'off',
  );
}

const WAYS: readonly { readonly decap: Decap; readonly underlay: 'gso' | 'wire' }[] = [
  { decap: 'tc', underlay: 'gso' },
  { decap: 'tc', underlay: 'wire' },
  { decap: 'tc-gro', underlay: 'gso' },
  { decap: 'tc-gro', underlay: 'wire' },
  { decap: 'xdp', underlay: 'wire' },
];

async function segmentOf(t: ExecutionContext, decap: Decap, options: FabricOptions) {
  const segment = makeSegment({ decap }, options);
  t.teardown(() => segment.close());
  const { one, two, peer } = segment;
  const from = one.container(1, 1);
  const router = two.container(1, 1, { flags: OPEN });
  const guest = peer.guest(1);
  return { segment, from, router, guest };
}

function route(from: Container, router: Container, guest: Guest): void {
  for (const key of ['ip_forward=1', 'conf.all.send_redirects=0', 'conf.eth0.send_redirects=0']) {
    sh(router.ns, 'sysctl', '-qw', `net.ipv4.${key}`);
  }
  batch(from.ns, `route add ${BEHIND} via ${router.ip4}`);
  batch(router.ns, `route add ${BEHIND} via ${guest.ip4}`);
  batch(guest.ns, `addr add ${BEHIND}/32 dev lo`, `route add ${from.ip4}/32 via ${router.ip4}`);
}

for (const { decap, underlay } of WAYS) {
  test.serial(`a container routes between nodes: ${decap}, ${underlay}`, async (t) => {
    const { segment, from, router, guest } = await segmentOf(t, decap, { underlay });
    route(from, router, guest);
    cutTunnels(router);
    t.true(pings(from.ns, BEHIND));
    const counted = await reasonsDuring(segment.two, async () => {
      await t.notThrowsAsync(transfer(from.ns, { ns: guest.ns, address: BEHIND }, BULK));
      await t.notThrowsAsync(transfer(guest.ns, { ns: from.ns, address: from.ip4 }, BULK));
    });
    t.deepEqual(counted, {});
    t.is(nstat(guest.ns).TcpInCsumErrors ?? 0, 0);
  });
}

test.serial('the kernel decapsulates what came over IPv6, too', async (t) => {
  const segment = makeSegment({ decap: 'tc-gro', family: 6 }, { underlay: 'wire' });
  t.teardown(() => segment.close());
  const { one, two } = segment;
  const from = one.container(1, 1);
  const open = two.container(1, 1, { flags: OPEN });
  t.true(pings(from.ns, open.ip4));
  const received = () => Number(sh(two.ns, 'cat', '/sys/class/net/anchor0/statistics/rx_packets'));
  const before = received();
  const counted = await reasonsDuring(two, async () => {
    await t.notThrowsAsync(transfer(from.ns, { ns: open.ns, address: open.ip6 }, BULK));
  });
  t.deepEqual(counted, {});
  t.true(received() > before, 'by the device');
});

test.serial(
  'a router need not cut segments where the kernel or the driver took them apart',
  async (t) => {
    for (const decap of ['tc-gro', 'xdp'] as const) {
      const { segment, from, router, guest } = await segmentOf(t, decap, { underlay: 'wire' });
      route(from, router, guest);
      t.true(pings(from.ns, BEHIND));
      const counted = await reasonsDuring(segment.two, async () => {
        await t.notThrowsAsync(transfer(from.ns, { ns: guest.ns, address: BEHIND }, BULK));
      });
      t.deepEqual(counted, {}, decap);
    }
  },
);

test.serial('segments that are in a tunnel of the container are refused by name', async (t) => {
  const { segment, from, router } = await segmentOf(t, 'tc', {});
  for (const [own, other, address] of [
    [from, router, '10.98.0.1'],
    [router, from, '10.98.0.2'],
  ] as const) {
    batch(
      own.ns,
      `link add nest0 mtu 1400 type vxlan id 5 remote ${other.ip4} local ${own.ip4} dstport 8472`,
      'link set nest0 up',
      `addr add ${address}/24 dev nest0`,
    );
  }
  t.true(pings(from.ns, '10.98.0.2'), 'one by one they may pass');
  const counted = await reasonsDuring(segment.one, async () => {
    await t.throwsAsync(transfer(from.ns, { ns: router.ns, address: '10.98.0.2' }, BULK, 1500));
  });
  t.true((counted.encap_gso ?? 0) > 0);
});

for (const { decap, underlay } of WAYS) {
  test.serial(`a container has a tunnel of its own: ${decap}, ${underlay}`, async (t) => {
    const { segment, from, router } = await segmentOf(t, decap, { underlay });
    for (const [own, other, address] of [
      [from, router, '10.98.0.1'],
      [router, from, '10.98.0.2'],
    ] as const) {
      cutTunnels(own);
      batch(
        own.ns,
        `link add nest0 mtu 1400 type vxlan id 5 remote ${other.ip4} local ${own.ip4} dstport 8472`,
        'link set nest0 up',
        `addr add ${address}/24 dev nest0`,
      );
    }
    t.true(pings(from.ns, '10.98.0.2'));
    const counted = await reasonsDuring(segment.one, async () => {
      await t.notThrowsAsync(transfer(from.ns, { ns: router.ns, address: '10.98.0.2' }, BULK));
      await t.notThrowsAsync(transfer(router.ns, { ns: from.ns, address: '10.98.0.1' }, BULK));
    });
    t.deepEqual(counted, {});
    t.is(nstat(router.ns).TcpInCsumErrors ?? 0, 0);
  });
}
