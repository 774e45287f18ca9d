import test from 'ava';
import { errnoOf } from '../../loader/errors.js';
import { addrAdd, addrDelete, addrDump } from '../../src/linux/netlink/address.js';
import {
  linkDelete,
  linkDump,
  linkGet,
  linkSet,
  linksDelete,
} from '../../src/linux/netlink/link.js';
import { nsidOf } from '../../src/linux/netlink/nsid.js';
import { hasNetkit, linkAddNetkit, linkAddVeth } from '../../src/linux/netlink/pair.js';
import { ROUTE_PROTOCOL, routeAdd, routeDelete, routeDump } from '../../src/linux/netlink/route.js';
import { type Rtnl, withRtnl } from '../../src/linux/netlink/socket.js';
import { linkKind } from '../helpers/requirements.js';
import { inside, refusal, type TestNetns, withNamespaces } from './helpers/namespaces.js';

const MAC = '0a:58:0a:c9:00:02';

/** A pair from the first namespace into the second, far end up; returns the far end's index. */
function pair(near: Rtnl, far: Rtnl, farNs: TestNetns): number {
  const host = linkAddVeth(near, { name: 'h0', up: true, peer: { name: 'eth0', nsFd: farNs.fd } });
  const index = host.peerIfindex ?? 0;
  linkSet(far, index, { up: true });
  return index;
}

test('a veth is created with its far end in the right namespace', async (t) => {
  await withNamespaces(2, (a, b) => {
    withRtnl(a.fd, (near) => {
      withRtnl(b.fd, (far) => {
        const host = linkAddVeth(near, {
          name: 'h0',
          ifindex: 4711,
          mtu: 1450,
          alias: 'dpctl endpoint ns1',
          up: true,
          peer: { name: 'eth0', ifindex: 55, nsFd: b.fd, mac: MAC, mtu: 1400 },
        });
        t.like(host, {
          name: 'h0',
          ifindex: 4711,
          kind: 'veth',
          mtu: 1450,
          alias: 'dpctl endpoint ns1',
          up: true,
          running: false,
          peerIfindex: 55,
          addrGenMode: 'none',
        });
        t.is(host.linkNetnsId, nsidOf(near, b.fd));
        t.like(linkGet(far, { name: 'eth0' }), {
          ifindex: 55,
          mac: MAC,
          mtu: 1400,
          up: false,
          peerIfindex: 4711,
          addrGenMode: 'eui64',
        });
        t.is(linkGet(near, { name: 'eth0' }), undefined);
        linkSet(far, 55, { up: true });
        t.like(linkGet(near, { ifindex: 4711 }), { running: true, operstate: 'UP' });
      });
    });
  });
});

test('netkit is probed without creating a device', async (t) => {
  const made = linkKind('netkit')() === undefined;
  await withNamespaces(1, (a) => {
    withRtnl(a.fd, (rtnl) => {
      t.is(hasNetkit(rtnl), made);
      t.deepEqual(
        linkDump(rtnl).map(({ name }) => name),
        ['lo'],
      );
    });
  });
});

test('without netkit, the kernel reports that it is not supported', async (t) => {
  await withNamespaces(1, (a) => {
    withRtnl(a.fd, (rtnl) => {
      if (hasNetkit(rtnl)) {
        const link = linkAddNetkit(rtnl, { name: 'h0', peer: { name: 'p0', mac: MAC } });
        t.like(link, { kind: 'netkit', addrGenMode: 'none' });
        t.like(linkGet(rtnl, { name: 'p0' }), { mac: MAC, kind: 'netkit' });
        return;
      }
      const error = refusal(() => linkAddNetkit(rtnl, { name: 'h0', peer: { name: 'p0' } }));
      t.is(errnoOf(error), 'EOPNOTSUPP');
    });
  });
});

test('the host end gets no IPv6 address of its own', async (t) => {
  await withNamespaces(2, (a, b) => {
    withRtnl(a.fd, (near) =>
      withRtnl(b.fd, (far) => {
        const index = pair(near, far, b);
        t.deepEqual(addrDump(near), []);
        t.is(addrDump(far, index).length, 1);
      }),
    );
  });
});

test('a pair without a namespace for its far end stays whole in one', async (t) => {
  await withNamespaces(1, (a) => {
    withRtnl(a.fd, (rtnl) => {
      const host = linkAddVeth(rtnl, { name: 'h0', peer: { name: 'p0' } });
      t.is(host.linkNetnsId, undefined);
      t.is(linkGet(rtnl, { name: 'p0' })?.ifindex, host.peerIfindex);
      t.is(host.up, false);
    });
  });
});

test('a name that is taken at either end leaves nothing behind', async (t) => {
  await withNamespaces(2, (a, b) => {
    withRtnl(a.fd, (near) => {
      linkAddVeth(near, { name: 'h0', peer: { name: 'eth0', nsFd: b.fd } });
      for (const [name, peer] of [
        ['h0', 'eth1'],
        ['h1', 'eth0'],
      ] as const) {
        const error = refusal(() => linkAddVeth(near, { name, peer: { name: peer, nsFd: b.fd } }));
        t.is(errnoOf(error), 'EEXIST');
        t.is(error.exitCode, 2);
        t.regex(error.message, new RegExp(`add veth ${name} with peer ${peer}: EEXIST`));
      }
      t.deepEqual(
        linkDump(near).map(({ name }) => name),
        ['lo', 'h0'],
      );
    });
  });
});

test('a pair whose second message is refused is removed', async (t) => {
  await withNamespaces(1, (a) => {
    withRtnl(a.fd, (rtnl) => {
      const error = refusal(() =>
        linkAddVeth(rtnl, { name: 'h0', alias: 'x'.repeat(300), peer: { name: 'p0' } }),
      );
      t.is(errnoOf(error), 'ERANGE');
      t.is(linkDump(rtnl).length, 1);
    });
  });
});

test('links are changed in place, and the kernel explains what it refuses', async (t) => {
  await withNamespaces(2, (a, b) => {
    withRtnl(a.fd, (rtnl) => {
      const { ifindex } = linkAddVeth(rtnl, { name: 'h0', peer: { name: 'p0' } });
      linkSet(rtnl, ifindex, { name: 'h1', mac: MAC, mtu: 9000, alias: 'me', up: true });
      t.like(linkGet(rtnl, { name: 'h1' }), { mac: MAC, mtu: 9000, alias: 'me', up: true });
      linkSet(rtnl, ifindex, { up: false, alias: '', addrGenMode: 'none' });
      t.like(linkGet(rtnl, { ifindex }), { up: false, alias: undefined, addrGenMode: 'none' });

      const error = refusal(() => linkSet(rtnl, ifindex, { mtu: 70_000 }));
      t.is(error.code, 'KERNEL_EINVAL');
      t.regex(error.message, /mtu greater than device maximum/);
      t.is(errnoOf(refusal(() => linkSet(rtnl, 999, { up: true }))), 'ENODEV');

      linkSet(rtnl, ifindex, { nsFd: b.fd });
      t.is(linkGet(rtnl, { ifindex }), undefined);
      t.truthy(withRtnl(b.fd, (other) => linkGet(other, { name: 'h1' })));
    });
  });
});

test('deleting one end deletes both, and deleting again is no error', async (t) => {
  await withNamespaces(2, (a, b) => {
    withRtnl(a.fd, (near) =>
      withRtnl(b.fd, (far) => {
        pair(near, far, b);
        t.true(linkDelete(near, { name: 'h0' }));
        t.false(linkDelete(near, { name: 'h0' }));
        t.false(linkDelete(near, { name: 'a name/that no device can have' }));
        t.is(linkGet(far, { name: 'eth0' }), undefined);
        t.is(linkGet(near, { name: 'a name that is much too long' }), undefined);
      }),
    );
  });
});

test('BIG TCP sizes are set and read, IPv4 ones included', async (t) => {
  await withNamespaces(1, (a) => {
    withRtnl(a.fd, (rtnl) => {
      const big = {
        gsoMaxSize: 196_608,
        groMaxSize: 180_000,
        gsoIpv4MaxSize: 190_000,
        groIpv4MaxSize: 170_000,
      };
      const { ifindex, tsoMaxSize } = linkAddVeth(rtnl, {
        name: 'h0',
        peer: { name: 'p0', ...big },
      });
      t.like(linkGet(rtnl, { name: 'p0' }), big);
      linkSet(rtnl, ifindex, big);
      t.like(linkGet(rtnl, { ifindex }), big);
      t.like(
        linkDump(rtnl).find((link) => link.ifindex === ifindex),
        big,
      );
      const tooBig = refusal(() => linkSet(rtnl, ifindex, { gsoMaxSize: (tsoMaxSize ?? 0) + 1 }));
      t.regex(tooBig.message, /too big gso_max_size/);
    });
  });
});

test('addresses are added, listed and removed; a second time says why not', async (t) => {
  await withNamespaces(2, (a, b) => {
    withRtnl(a.fd, (near) =>
      withRtnl(b.fd, (far) => {
        const index = pair(near, far, b);
        const ip4 = { address: '10.201.0.2', prefixLength: 16 };
        const ip6 = { address: 'fd00::2', prefixLength: 64 };
        addrAdd(far, index, ip4);
        addrAdd(far, index, { ...ip6, nodad: true, noprefixroute: true });
        t.like(addrDump(far, index)[0], { ...ip4, family: 4, scope: 'global', label: 'eth0' });
        const six = addrDump(far, index).find(({ address }) => address === 'fd00::2');
        t.like(six, { ...ip6, family: 6, ifindex: index });
        t.deepEqual(six?.flags, ['nodad', 'permanent', 'noprefixroute']);
        t.false(routeDump(far, { family: 6 }).some(({ dst }) => dst === 'fd00::/64'));

        const again = refusal(() => addrAdd(far, index, ip4));
        t.is(errnoOf(again), 'EEXIST');
        t.regex(
          again.message,
          /add address 10\.201\.0\.2\/16 to link #\d+: EEXIST.*already assigned/i,
        );
        t.is(errnoOf(refusal(() => addrAdd(far, 999, ip4))), 'ENODEV');

        addrDelete(far, index, ip4);
        t.is(errnoOf(refusal(() => addrDelete(far, index, ip4))), 'EADDRNOTAVAIL');
        t.deepEqual(addrDump(far, 999), []);
      }),
    );
  });
});

test('routes are added, replaced and deleted, and carry our protocol number', async (t) => {
  await withNamespaces(2, (a, b) => {
    withRtnl(a.fd, (near) =>
      withRtnl(b.fd, (far) => {
        const ifindex = pair(near, far, b);
        addrAdd(far, ifindex, { address: '10.201.0.2', prefixLength: 16 });
        addrAdd(far, ifindex, { address: 'fd00::2', prefixLength: 64, nodad: true });
        const default4 = { dst: 'default', gateway: '10.201.0.1', ifindex };
        routeAdd(far, default4);
        routeAdd(far, { dst: 'default', gateway: 'fd00::1', ifindex });
        routeAdd(far, { dst: '192.0.2.0/24', ifindex, source: '10.201.0.2', mtu: 1400, metric: 7 });
        routeAdd(far, { dst: '198.51.100.1/32', gateway: '203.0.113.1', ifindex, onlink: true });
        routeAdd(far, { dst: '192.0.2.0/24', ifindex, table: 1000 });

        const ours = routeDump(far, { protocol: ROUTE_PROTOCOL, table: 254 });
        const find = (dst: string, family: 4 | 6 = 4) =>
          ours.find((route) => route.dst === dst && route.family === family);
        t.like(find('default'), { gateway: '10.201.0.1', ifindex, type: 'unicast', scope: 0 });
        t.like(find('default', 6), { gateway: 'fd00::1', metric: 1024 });
        t.like(find('192.0.2.0/24'), { source: '10.201.0.2', mtu: 1400, metric: 7, scope: 253 });
        t.like(find('198.51.100.1/32'), { gateway: '203.0.113.1', onlink: true });
        t.is(ours.length, 4);
        t.is(routeDump(far, { table: 1000 }).length, 1);

        t.is(errnoOf(refusal(() => routeAdd(far, default4))), 'EEXIST');
        const unreachable = refusal(() =>
          routeAdd(far, { dst: '192.0.2.9/32', gateway: '100.64.0.1' }),
        );
        t.is(errnoOf(unreachable), 'ENETUNREACH');
        t.regex(unreachable.message, /invalid gateway/);
        t.is(refusal(() => routeAdd(far, { dst: 'default' })).code, 'BAD_ADDRESS');

        inside(b, 'ip', 'route', 'add', '100.64.0.0/10', 'dev', 'eth0');
        const foreign = refusal(() => routeDelete(far, { dst: '100.64.0.0/10', ifindex }));
        t.is(errnoOf(foreign), 'ESRCH', 'a route of somebody else is never deleted');
        routeDelete(far, { dst: 'default', family: 4 });
        routeDelete(far, { dst: 'default', family: 6 });
        t.false(routeDump(far, { table: 254 }).some(({ dst }) => dst === 'default'));
      }),
    );
  });
});

test('many links go together, and nothing that was not named goes with them', async (t) => {
  await withNamespaces(2, (a, b) => {
    withRtnl(a.fd, (rtnl) => {
      const pairs = 150;
      for (let i = 0; i < pairs; i++) {
        linkAddVeth(rtnl, {
          name: `h${i}`,
          ifindex: 1000 + i,
          peer: { name: `p${i}`, nsFd: b.fd },
        });
      }
      const stranger = linkAddVeth(rtnl, { name: 'stranger', peer: { name: 'its-peer' } });
      linkDelete(rtnl, { name: 'h7' });
      linksDelete(
        rtnl,
        Array.from({ length: pairs }, (_, i) => 1000 + i),
      );
      const names = linkDump(rtnl).map(({ name }) => name);
      t.deepEqual(names.sort(), ['its-peer', 'lo', 'stranger']);
      withRtnl(b.fd, (far) =>
        t.deepEqual(
          linkDump(far).map(({ name }) => name),
          ['lo'],
        ),
      );
      linksDelete(rtnl, [1000, 1001]);
      t.truthy(linkGet(rtnl, { ifindex: stranger.ifindex }));
      const error = refusal(() => linksDelete(rtnl, [1, stranger.ifindex]));
      t.is(errnoOf(error), 'EOPNOTSUPP', 'the loopback device cannot be deleted');
      t.truthy(linkGet(rtnl, { ifindex: stranger.ifindex }), 'all of a batch, or none');
    });
  });
});

test('a dump of more links than fit into one datagram is whole', async (t) => {
  await withNamespaces(1, (a) => {
    withRtnl(a.fd, (rtnl) => {
      const pairs = 60;
      for (let i = 0; i < pairs; i++) {
        linkAddVeth(rtnl, { name: `h${i}`, ifindex: 1000 + i, peer: { name: `p${i}` } });
      }
      const [counted, plain] = [linkDump(rtnl), linkDump(rtnl, { statistics: false })];
      for (const links of [counted, plain]) {
        t.is(new Set(links.map(({ name }) => name)).size, 2 * pairs + 1);
      }
      t.true(counted.every(({ statistics64 }) => statistics64?.rxPackets === 0));
      t.true(plain.every(({ statistics64 }) => statistics64 === undefined));
    });
  });
});
