import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import {
  closeFd,
  flock,
  fsyncDir,
  isBpffs,
  isNsfs,
  openFd,
  statfsType,
} from '../../loader/sys/files.js';
import { clockTickHz, possibleCpus } from '../../loader/sys/machine.js';
import { createNetns, inNetns, netnsCookie, removeNetns } from '../../loader/sys/netns.js';
import { ioctlEthtool, openNetlink, socketFd } from '../../loader/sys/socket.js';
import {
  descriptorsOf,
  le,
  refusal,
  run,
  withBpffs,
  withDirectory,
  withNetns,
} from './helpers/machine.js';

const OWN = '/proc/thread-self/ns/net';
const inode = () => statSync(OWN).ino;

test.serial('a section runs inside the namespace and comes back', (t) => {
  withNetns((ns) => {
    const home = inode();
    const inside = inNetns(ns.fd, inode);
    t.is(inside, statSync(`/run/netns/${ns.name}`).ino);
    t.is(inode(), home);
    t.not(inside, home);
  });
});

test.serial('a section that throws comes back too, and leaks nothing', (t) => {
  withNetns((ns) => {
    const home = inode();
    const before = descriptorsOf('net:[');
    for (let i = 0; i < 20; i++) {
      t.throws(
        () =>
          inNetns(ns.fd, () => {
            throw new Error('inside');
          }),
        { message: 'inside' },
      );
    }
    t.is(inode(), home);
    t.is(descriptorsOf('net:['), before);
  });
});

test.serial('a section that returns a promise is refused', (t) => {
  withNetns((ns) => {
    const home = inode();
    t.throws(() => inNetns(ns.fd, () => Promise.resolve(1)), {
      instanceOf: TypeError,
      message: /synchronous/,
    });
    t.is(inode(), home);
  });
});

test.serial('a descriptor that is no namespace is refused', (t) => {
  const fd = openFd('/dev/null');
  const error = refusal(() => inNetns(fd, () => 0));
  t.is(error.code, 'KERNEL_EINVAL');
  t.regex(error.message, /^setns: EINVAL/);
  closeFd(fd);
});

test.serial('a cookie tells namespaces apart and stays', (t) => {
  const own = openFd(OWN);
  withNetns((a) => {
    withNetns((b) => {
      t.is(netnsCookie(a.fd), netnsCookie(a.fd));
      t.is(new Set([netnsCookie(a.fd), netnsCookie(b.fd), netnsCookie(own)]).size, 3);
    });
  });
  closeFd(own);
});

test('a namespace is made at a path, and removed with its name', (t) => {
  withDirectory((dir) => {
    const path = join(dir, 'deep', 'ns');
    createNetns(path);
    try {
      t.true(isNsfs(path));
      t.not(statSync(path).ino, inode());
      t.is(refusal(() => createNetns(path)).code, 'KERNEL_EEXIST');
      const fd = openFd(path);
      // A new namespace has only its loopback.
      t.deepEqual(inNetns(fd, linkNames), ['lo']);
      closeFd(fd);
    } finally {
      removeNetns(path);
    }
    t.false(existsSync(path));
    t.notThrows(() => removeNetns(path));
  });
});

/** Names of the links in this namespace, from an rtnetlink dump through the loader's socket. */
function linkNames(): string[] {
  const socket = openNetlink(0);
  try {
    const request = new Uint8Array(32);
    const view = new DataView(request.buffer);
    view.setUint32(0, 32, true);
    view.setUint16(4, 18, true); // RTM_GETLINK
    view.setUint16(6, 0x301, true); // NLM_F_REQUEST | NLM_F_DUMP
    socket.send(request);
    const names: string[] = [];
    for (;;) {
      const buffer = Buffer.alloc(65536);
      const length = socket.recv(buffer);
      for (let at = 0; at < length; at += (buffer.readUInt32LE(at) + 3) & ~3) {
        if (buffer.readUInt16LE(at + 4) !== 16) return names; // not RTM_NEWLINK
        const size = buffer.readUInt16LE(at + 32); // IFLA_IFNAME comes first
        names.push(buffer.toString('utf8', at + 36, at + 32 + size - 1));
      }
    }
  } finally {
    socket.close();
  }
}

test.serial('a netlink socket stays in the namespace it was opened in', (t) => {
  withNetns((ns) => {
    t.deepEqual(inNetns(ns.fd, linkNames).sort(), ['lo', 'v0', 'v1']);
    t.false(linkNames().includes('v1'));
  });
});

test('a netlink answer longer than the buffer is an error with the length wanted', (t) => {
  const socket = openNetlink(0);
  const request = new Uint8Array(32);
  request.set([32, 0, 0, 0, 18, 0, 1, 3]);
  socket.send(request);
  const error = refusal(() => socket.recv(new Uint8Array(64)));
  t.is(error.code, 'KERNEL_EMSGSIZE');
  t.true((error.details.needed as number) > 64);
  socket.close();
});

test('a lock held by another process is seen, and gone when it dies', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), `dpl${process.pid}-`));
  t.teardown(() => rmSync(dir, { recursive: true }));
  const path = join(dir, 'lock');
  writeFileSync(path, '');
  const holder = spawn('flock', [path, '-c', 'echo held; exec sleep 30'], {
    stdio: ['ignore', 'pipe', 'ignore'],
    detached: true,
  });
  await once(holder.stdout, 'data');
  const fd = openFd(path, 'r+');
  t.false(flock(fd, 'exclusive'));
  t.false(flock(fd, 'shared'));
  // The whole group, because children inherit the lock.
  process.kill(-(holder.pid ?? 0), 'SIGKILL');
  await once(holder, 'close');
  t.true(flock(fd, 'exclusive'));
  t.true(flock(fd, 'unlock'));
  t.true(flock(fd, 'shared'));
  closeFd(fd);
  t.is(refusal(() => flock(fd, 'shared')).code, 'KERNEL_EBADF');
});

test('a bpffs is known by its magic', (t) => {
  withBpffs((dir) => {
    t.true(isBpffs(dir));
    t.is(statfsType(dir), 0xcafe4a11);
  });
  t.false(isBpffs('/proc'));
  t.false(isBpffs('/nonexistent'));
  t.is(
    refusal(() => statfsType('/nonexistent')).message.split(' (')[0],
    'statfs /nonexistent: ENOENT',
  );
});

test('a directory can be made durable, what is none cannot', (t) => {
  withDirectory((dir) => t.notThrows(() => fsyncDir(dir)));
  t.is(refusal(() => fsyncDir('/nonexistent')).code, 'KERNEL_ENOENT');
});

test('the tick is one that kernels are built with, and CPUs are counted', (t) => {
  t.true([100, 250, 300, 1000].includes(clockTickHz()), `${clockTickHz()}`);
  const last = run('cat', '/sys/devices/system/cpu/possible').trim().split(/[-,]/).pop();
  t.is(possibleCpus(), Number(last) + 1);
});

test.serial('an ethtool command is asked of a device by name', (t) => {
  withNetns((ns) => {
    const fd = inNetns(ns.fd, () => socketFd(2, 2, 0));
    const drvinfo = new Uint8Array(196);
    drvinfo.set(le(3, 4)); // ETHTOOL_GDRVINFO
    ioctlEthtool(fd, 'v0', drvinfo);
    t.is(Buffer.from(drvinfo.subarray(4, 8)).toString(), 'veth');
    const error = refusal(() => ioctlEthtool(fd, 'nope', drvinfo));
    t.regex(error.message, /^ethtool ioctl nope: ENODEV/);
    closeFd(fd);
  });
});
