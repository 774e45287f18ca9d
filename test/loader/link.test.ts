import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import test from 'ava';
import {
  attachTcx,
  attachXdp,
  detachLink,
  linkInfo,
  openLinkById,
  openPinnedLink,
  type TcxPosition,
  updateLink,
} from '../../loader/link/attach.js';
import { tcAttach, tcDetach, tcFilters, tcQuery } from '../../loader/link/clsact.js';
import { queryTcx, queryXdp } from '../../loader/link/query.js';
import { mapGet } from '../../loader/map/entry.js';
import { type BpfObject, loadObject, openObject } from '../../loader/object/object.js';
import { pin as pinLink } from '../../loader/pin.js';
import { closeFd } from '../../loader/sys/files.js';
import { inNetns } from '../../loader/sys/netns.js';
import { feature, testRequiring } from '../helpers/requirements.js';
import {
  le,
  mapOf,
  objectPath,
  programFd,
  refusal,
  run,
  type TestNetns,
  withBpffs,
  withNetns,
  withNetnsAsync,
  withObject,
} from './helpers/machine.js';

const withTcx = testRequiring(feature('tcx')).serial;

/** A namespace and the programs of link.bpf.c. */
function withBoth<T>(use: (ns: TestNetns, object: BpfObject) => T): T {
  return withNetns((ns) => withObject('link', {}, (object) => use(ns, object)));
}

const seen = (object: BpfObject, slot: number): number =>
  Buffer.from(mapGet(mapOf(object, 'seen_v1'), le(slot, 4)) ?? le(0, 8)).readUInt32LE(0);

/** Arguments that send `count` datagrams from v1, so that they come in at v0. */
function sender(ns: TestNetns, count: number): string[] {
  run('ip', '-n', ns.name, 'addr', 'replace', '10.9.0.1/24', 'dev', 'v1');
  const neighbour = ['10.9.0.2', 'dev', 'v1', 'lladdr', '02:00:00:00:00:02', 'nud', 'permanent'];
  run('ip', '-n', ns.name, 'neigh', 'replace', ...neighbour);
  const script = `for ((i = 0; i < ${count}; i++)); do echo x >/dev/udp/10.9.0.2/9; done`;
  return ['netns', 'exec', ns.name, 'bash', '-c', script];
}

const names = (ns: TestNetns) =>
  inNetns(ns.fd, () => queryTcx(ns.ifindex, 'ingress').map((entry) => entry.name));

withTcx('a tcx link sees the packets, on the side it was attached to', (t) => {
  withBoth((ns, object) => {
    const link = inNetns(ns.fd, () =>
      attachTcx(programFd(object, 'link_a'), ns.ifindex, 'ingress'),
    );
    const info = linkInfo(link);
    t.like(info, { type: 'tcx', ifindex: ns.ifindex, attachType: 46 });
    t.is(info.progId, object.programs.get('link_a')?.id ?? 0);
    t.deepEqual(
      inNetns(ns.fd, () => queryTcx(ns.ifindex, 'ingress')),
      [{ progId: info.progId, linkId: info.id, name: 'link_a' }],
    );
    t.deepEqual(
      inNetns(ns.fd, () => queryTcx(ns.ifindex, 'egress')),
      [],
    );
    run('ip', ...sender(ns, 20));
    t.is(seen(object, 0), 20);
    closeFd(link);
    t.deepEqual(names(ns), []);
    run('ip', ...sender(ns, 5));
    t.is(seen(object, 0), 20);
  });
});

withTcx('programs go first, last, before and after others', (t) => {
  withBoth((ns, object) => {
    const attach = (name: string, position: TcxPosition = 'last') =>
      inNetns(ns.fd, () => attachTcx(programFd(object, name), ns.ifindex, 'ingress', position));
    const a = attach('link_a');
    const b = attach('link_b', 'first');
    t.deepEqual(names(ns), ['link_b', 'link_a']);
    closeFd(b);
    const after = attach('link_b', { after: linkInfo(a).id });
    t.deepEqual(names(ns), ['link_a', 'link_b']);
    closeFd(after);
    const before = attach('link_b', { before: linkInfo(a).id });
    t.deepEqual(names(ns), ['link_b', 'link_a']);
    const twice = refusal(() => attach('link_b'));
    t.is(twice.code, 'KERNEL_EEXIST');
    t.regex(twice.message, /^bpf_link_create tcx\/ingress ifindex \d+: EEXIST/);
    closeFd(before);
    closeFd(a);
  });
});

withTcx('a missing device is refused by number', (t) => {
  withBoth((ns, object) => {
    const error = refusal(() =>
      inNetns(ns.fd, () => attachTcx(programFd(object, 'link_a'), 12_345, 'egress')),
    );
    t.regex(error.message, /^bpf_link_create tcx\/egress ifindex 12345: ENODEV/);
    t.is(refusal(() => inNetns(ns.fd, () => queryTcx(12_345, 'ingress'))).details.errno, 'ENODEV');
  });
});

withTcx('replacing the program misses no packet and counts none twice', async (t) => {
  const object = openObject(objectPath('link'));
  t.teardown(() => object.close());
  loadObject(object);
  const [a, b] = [programFd(object, 'link_a'), programFd(object, 'link_b')];
  await withNetnsAsync(async (ns) => {
    const link = inNetns(ns.fd, () => attachTcx(a, ns.ifindex, 'ingress'));
    const child = spawn('ip', sender(ns, 3000), { stdio: 'ignore' });
    const ended = once(child, 'exit');
    let updates = 0;
    while (child.exitCode === null) {
      updateLink(link, updates % 2 === 0 ? b : a, updates % 2 === 0 ? a : b);
      updates += 1;
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    t.deepEqual(await ended, [0, null]);
    t.is(seen(object, 0) + seen(object, 1), 3000);
    t.true(updates > 20 && seen(object, 0) > 0 && seen(object, 1) > 0, `${updates} updates`);
    closeFd(link);
  });
});

withTcx('an update that expects another program, or doubles one, is refused', (t) => {
  withBoth((ns, object) => {
    const [a, b] = [programFd(object, 'link_a'), programFd(object, 'link_b')];
    const link = inNetns(ns.fd, () => attachTcx(a, ns.ifindex, 'ingress'));
    const other = inNetns(ns.fd, () => attachTcx(b, ns.ifindex, 'ingress'));
    t.is(refusal(() => updateLink(link, b, b)).details.errno, 'EPERM');
    t.is(refusal(() => updateLink(link, b)).code, 'KERNEL_EEXIST');
    t.deepEqual(names(ns), ['link_a', 'link_b']);
    closeFd(link);
    closeFd(other);
  });
});

withTcx('a pinned link outlives its descriptor until it is detached', (t) => {
  withBpffs((dir) => {
    withBoth((ns, object) => {
      const path = join(dir, 'link');
      const link = inNetns(ns.fd, () =>
        attachTcx(programFd(object, 'link_a'), ns.ifindex, 'ingress'),
      );
      const { id } = linkInfo(link);
      pinLink(link, path);
      closeFd(link);
      t.deepEqual(names(ns), ['link_a']);
      const byId = openLinkById(id);
      t.truthy(byId);
      if (byId !== undefined) closeFd(byId);
      const again = openPinnedLink(path);
      detachLink(again);
      t.deepEqual(names(ns), []);
      t.is(linkInfo(again).ifindex, 0);
      closeFd(again);
      t.is(openLinkById(0x7fffffff), undefined);
      t.is(refusal(() => openPinnedLink(join(dir, 'nope'))).code, 'KERNEL_ENOENT');
    });
  });
});

withTcx('a link whose device was deleted says so', (t) => {
  withBoth((ns, object) => {
    const link = inNetns(ns.fd, () =>
      attachTcx(programFd(object, 'link_a'), ns.ifindex, 'ingress'),
    );
    run('ip', '-n', ns.name, 'link', 'del', 'v0');
    t.is(linkInfo(link).ifindex, 0);
    closeFd(link);
  });
});

for (const mode of ['native', 'generic'] as const) {
  test.serial(`XDP, ${mode}: attached, counted, replaced, gone`, (t) => {
    withBoth((ns, object) => {
      const link = inNetns(ns.fd, () => attachXdp(programFd(object, 'link_xdp'), ns.ifindex, mode));
      t.like(linkInfo(link), { type: 'xdp', ifindex: ns.ifindex, attachType: 37 });
      t.is(
        inNetns(ns.fd, () => queryXdp(ns.ifindex)),
        object.programs.get('link_xdp')?.id ?? 0,
      );
      const [shown] = JSON.parse(run('ip', '-n', ns.name, '-j', '-d', 'link', 'show', 'v0'));
      t.is(shown.xdp.mode, mode === 'native' ? 1 : 2);
      run('ip', ...sender(ns, 20));
      t.true(seen(object, 2) >= 20, `${seen(object, 2)} packets`);
      const busy = refusal(() =>
        inNetns(ns.fd, () => attachXdp(programFd(object, 'link_xdp_other'), ns.ifindex, mode)),
      );
      t.is(busy.details.errno, 'EBUSY');
      updateLink(link, programFd(object, 'link_xdp_other'), programFd(object, 'link_xdp'));
      t.is(linkInfo(link).progId, object.programs.get('link_xdp_other')?.id ?? 0);
      closeFd(link);
      t.is(
        inNetns(ns.fd, () => queryXdp(ns.ifindex)),
        0,
      );
    });
  });
}

const qdiscs = (ns: TestNetns) => run('tc', '-n', ns.name, 'qdisc', 'show', 'dev', 'v0');

test.serial('clsact: attach, query, replace, detach, and no qdisc left', (t) => {
  withBoth((ns, object) => {
    const filter = { priority: 5, handle: 7 };
    const inside = <T>(fn: () => T): T => inNetns(ns.fd, fn);
    t.is(
      inside(() => tcQuery(ns.ifindex, 'ingress', filter)),
      undefined,
    );
    t.false(inside(() => tcDetach(ns.ifindex, 'ingress', filter, true)));
    const first = inside(() =>
      tcAttach(programFd(object, 'link_a'), ns.ifindex, 'ingress', filter),
    );
    t.like(first, { ...filter, createdQdisc: true });
    t.is(
      inside(() => tcQuery(ns.ifindex, 'ingress', filter)),
      object.programs.get('link_a')?.id,
    );
    run('ip', ...sender(ns, 10));
    t.is(seen(object, 0), 10);

    const second = inside(() =>
      tcAttach(programFd(object, 'link_b'), ns.ifindex, 'ingress', filter),
    );
    t.like(second, { ...filter, createdQdisc: false });
    run('ip', ...sender(ns, 10));
    t.deepEqual([seen(object, 0), seen(object, 1)], [10, 10]);

    t.true(inside(() => tcDetach(ns.ifindex, 'ingress', filter, true)));
    t.is(
      inside(() => tcQuery(ns.ifindex, 'ingress', filter)),
      undefined,
    );
    t.notRegex(qdiscs(ns), /clsact/);
  });
});

test.serial('clsact: a qdisc with the filters of others stays, whichever side they are on', (t) => {
  withBoth((ns, object) => {
    const filter = { priority: 5, handle: 7 };
    inNetns(ns.fd, () => tcAttach(programFd(object, 'link_a'), ns.ifindex, 'ingress', filter));
    const theirs = { priority: 9, handle: 1 };
    inNetns(ns.fd, () => tcAttach(programFd(object, 'link_b'), ns.ifindex, 'egress', theirs));
    t.deepEqual(
      inNetns(ns.fd, () => tcFilters(ns.ifindex, 'egress')),
      [{ ...theirs, kind: 'bpf' }],
    );
    t.true(inNetns(ns.fd, () => tcDetach(ns.ifindex, 'ingress', filter, true)));
    t.regex(qdiscs(ns), /clsact/);
    t.deepEqual(
      inNetns(ns.fd, () => tcFilters(ns.ifindex, 'ingress')),
      [],
    );
    t.truthy(inNetns(ns.fd, () => tcQuery(ns.ifindex, 'egress', theirs)));
    t.true(inNetns(ns.fd, () => tcDetach(ns.ifindex, 'egress', theirs, false)));
    t.regex(qdiscs(ns), /clsact/);
  });
});

test.serial('clsact: a program of the wrong type is refused and no qdisc stays', (t) => {
  withBoth((ns, object) => {
    const error = refusal(() =>
      inNetns(ns.fd, () =>
        tcAttach(programFd(object, 'link_xdp'), ns.ifindex, 'egress', { priority: 1, handle: 1 }),
      ),
    );
    t.regex(error.message, /^bpf_tc_attach egress ifindex \d+: EINVAL/);
    t.notRegex(qdiscs(ns), /clsact/);
  });
});
