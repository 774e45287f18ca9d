import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import test from 'ava';
import { mapGet } from '../../loader/map/entry.js';
import { closeMap, openPinnedMap } from '../../loader/map/info.js';
import {
  bindNetns,
  ensureBpffs,
  isBpffs,
  isNsfs,
  unbindNetns,
  unmount,
} from '../../src/linux/bpffs.js';
import { hostPath, hostRoot } from '../../src/linux/mountns.js';
import { closeNetns, deleteNetns, openNetnsRef, sameNetns } from '../../src/linux/netns.js';
import { hintText } from '../../src/model/hint.js';
import {
  inside,
  netnsPathOf,
  rejection,
  withDirectory,
  withNamespaces,
} from './helpers/namespaces.js';

const pinScript = new URL('./helpers/pin.js', import.meta.url).pathname;
const mountsBelow = (dir: string): string[] =>
  readFileSync('/proc/mounts', 'utf8')
    .split('\n')
    .filter((line) => line.includes(` ${dir}`));

test('the BPF file system is mounted once, for root only', async (t) => {
  await withDirectory(async (dir) => {
    const at = `${dir}/deep/bpf`;
    t.false(isBpffs(at));
    try {
      t.true(await ensureBpffs(at));
      t.false(await ensureBpffs(at));
      t.true(isBpffs(at));
      t.is(mountsBelow(at).length, 1);
      t.is(statSync(at).mode & 0o777, 0o700);
    } finally {
      t.true(await unmount(at));
    }
    t.false(await unmount(at));
    t.is(mountsBelow(dir).length, 0);
  });
});

test('where no directory can be, the error says why and what to do', async (t) => {
  await withDirectory(async (dir) => {
    writeFileSync(`${dir}/file`, '');
    const error = await rejection(ensureBpffs(`${dir}/file/bpf`));
    t.is(error.code, 'BPFFS_UNAVAILABLE');
    t.is(error.exitCode, 2);
    t.regex(error.message, /no BPF file system at .*ENOTDIR/);
    t.regex(hintText(error.hint), /mount -t bpf/);
    t.truthy(error.cause);
  });
});

test('without CAP_SYS_ADMIN the error says what is needed', async (t) => {
  await withDirectory((dir) => {
    const args = ['--bounding-set=-sys_admin', process.execPath, pinScript, `${dir}/bpf`];
    const { status, stderr } = spawnSync('setpriv', args, { encoding: 'utf8' });
    t.not(status, 0);
    t.regex(stderr, /BPFFS_UNAVAILABLE/);
    t.regex(stderr, /EPERM/);
    t.regex(stderr, /run as root \(sudo\), in a container with --privileged/);
  });
});

test('on the host no detour is needed', (t) => {
  t.is(hostRoot(), '');
  t.is(hostPath('/run/x'), '/run/x');
});

test('inside ip netns exec, pins and mounts go to the host and outlive the command', async (t) => {
  await withNamespaces(1, async (ns) => {
    await withDirectory(async (dir) => {
      const at = `${dir}/bpf`;
      try {
        const said = JSON.parse(inside(ns, process.execPath, pinScript, at)) as {
          root: string;
        };
        t.like(said, { mounted: true, again: false, bound: true, isBpffs: true });
        t.regex(said.root, /^\/proc\/\d+\/root$/);

        t.true(isBpffs(at), 'the host has the mount');
        const map = openPinnedMap(`${at}/map`);
        t.deepEqual(mapGet(map, Uint8Array.of(1, 0, 0, 0)), Uint8Array.of(42, 0, 0, 0));
        closeMap(map);
        const bound = openNetnsRef(`${at}.ns`);
        t.true(sameNetns(bound, ns));
        closeNetns(bound);
        // A later command inside sees the same pins.
        t.regex(inside(ns, 'ls', at), /^map$/m);
      } finally {
        await unbindNetns(`${at}.ns`);
        await unmount(at);
      }
      t.is(mountsBelow(dir).length, 0);
    });
  });
});

test('a bound namespace stays when its name goes', async (t) => {
  await withNamespaces(1, async (ns) => {
    await withDirectory(async (dir) => {
      const target = `${dir}/netns/node`;
      try {
        t.true(await bindNetns(netnsPathOf(ns.fd), target));
        t.false(await bindNetns(ns.fd, target));
        await deleteNetns(ns.name);
        t.true(isNsfs(target));
        const ref = openNetnsRef(target);
        t.is(ref.cookie, ns.cookie);
        closeNetns(ref);
      } finally {
        t.true(await unbindNetns(target));
      }
      t.false(await unbindNetns(target));
      t.false(existsSync(target));
    });
  });
});

test('binding a missing namespace leaves no file behind', async (t) => {
  await withDirectory(async (dir) => {
    mkdirSync(`${dir}/netns`);
    const error = await rejection(bindNetns('/proc/0/ns/net', `${dir}/netns/x`));
    t.is(error.code, 'KERNEL_ENOENT');
    t.false(existsSync(`${dir}/netns/x`));
  });
});
