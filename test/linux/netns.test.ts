import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import test from 'ava';
import {
  closeNetns,
  createNetns,
  deleteNetns,
  netnsExists,
  netnsList,
  openNetnsRef,
  openOwnNetns,
  sameNetns,
} from '../../src/linux/netns.js';
import { closestWord } from '../../src/linux/suggest.js';
import { hintText } from '../../src/model/hint.js';
import {
  inside,
  netnsPathOf,
  refusal,
  rejection,
  uniqueName,
  withDirectory,
  withNamespaces,
} from './helpers/namespaces.js';

test('a name, a path and a pid lead to the same namespace', async (t) => {
  await withNamespaces(1, async (ns) => {
    const child = spawn('ip', ['netns', 'exec', ns.name, 'sleep', '30'], { stdio: 'ignore' });
    try {
      await once(child, 'spawn');
      const pid = String(child.pid);
      // ip(8) enters the namespace first and then becomes sleep.
      while (!sameAs(pid, ns.name)) await new Promise((resolve) => setTimeout(resolve, 20));
      const byPath = openNetnsRef(`/var/run/netns/${ns.name}`);
      const byPid = openNetnsRef(pid);
      const byFd = openNetnsRef(netnsPathOf(ns.fd));
      t.is(ns.kind, 'name');
      t.is(ns.path, `/run/netns/${ns.name}`);
      t.is(byPath.kind, 'path');
      t.is(byPid.kind, 'pid');
      t.is(byPid.path, `/proc/${pid}/ns/net`);
      for (const ref of [byPath, byPid, byFd]) {
        t.true(sameNetns(ref, ns));
        t.is(ref.cookie, ns.cookie);
        closeNetns(ref);
      }
    } finally {
      child.kill('SIGKILL');
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    }
  });
});

function sameAs(pid: string, name: string): boolean {
  const a = openNetnsRef(pid);
  const b = openNetnsRef(name);
  closeNetns(a);
  closeNetns(b);
  return sameNetns(a, b);
}

test('namespaces are distinguished from each other and from our own', async (t) => {
  await withNamespaces(2, (a, b) => {
    const own = openOwnNetns();
    t.false(sameNetns(a, b));
    t.false(sameNetns(a, own));
    t.is(new Set([a.cookie, b.cookie, own.cookie]).size, 3);
    closeNetns(own);
  });
});

test('a name made of digits wins over the process with that pid', async (t) => {
  const name = String(process.pid);
  await createNetns(name);
  try {
    const ref = openNetnsRef(name);
    t.is(ref.kind, 'name');
    closeNetns(ref);
  } finally {
    await deleteNetns(name);
  }
  const ref = openNetnsRef(name);
  t.is(ref.kind, 'pid');
  closeNetns(ref);
});

test('an unknown name offers the nearest one and a way to make it', async (t) => {
  await withNamespaces(1, (ns) => {
    const error = refusal(() => openNetnsRef(`${ns.name}x`));
    t.is(error.code, 'NETNS_NOT_FOUND');
    t.is(error.exitCode, 3);
    t.is(error.message, `there is no network namespace "${ns.name}x"`);
    t.regex(hintText(error.hint), new RegExp(`did you mean "${ns.name}"`));
    t.regex(hintText(error.hint), new RegExp(`ip netns add ${ns.name}x`));
    t.regex(hintText(error.hint), new RegExp(`dpctl attach ${ns.name}x --create`));
  });
});

test('an unknown path and an unknown pid are named as such', (t) => {
  const path = refusal(() => openNetnsRef('/run/netns/none/such'));
  t.is(path.code, 'NETNS_NOT_FOUND');
  t.regex(path.message, /no network namespace at \/run\/netns\/none\/such/);
  const pid = refusal(() => openNetnsRef('4194305'));
  t.is(pid.exitCode, 3);
  t.regex(pid.message, /neither a network namespace nor a process "4194305"/);
});

for (const [name, why] of [
  ['', /empty/],
  ['.', /directory/],
  ['..', /directory/],
  ['a/b', /slash/],
  ['x'.repeat(256), /more than 255 bytes/],
  ['a\0b', /NUL/],
] as const) {
  test(`"${name.slice(0, 5).replace('\0', '\\0')}" is a bad name, said in one line`, async (t) => {
    for (const error of [refusal(() => openNetnsRef(name)), await rejection(createNetns(name))]) {
      t.is(error.code, 'NETNS_BAD_NAME');
      t.is(error.exitCode, 1);
      t.regex(error.message, why);
      t.true(error.message.length < 120 && !/[\n\0]/.test(error.message));
    }
  });
}

test('a file that is no network namespace is refused, with what to do about a leftover', async (t) => {
  await withDirectory((dir) => {
    writeFileSync(`${dir}/file`, 'text');
    for (const path of [`${dir}/file`, dir, `/proc/${process.pid}/ns/mnt`]) {
      const error = refusal(() => openNetnsRef(path));
      t.is(error.code, 'NETNS_NOT_A_NETNS', path);
      t.is(error.exitCode, 1);
      t.true(error.message.includes(path));
    }
  });
  const name = uniqueName();
  mkdirSync('/run/netns', { recursive: true });
  writeFileSync(`/run/netns/${name}`, '');
  try {
    const error = refusal(() => openNetnsRef(name));
    t.is(error.code, 'NETNS_NOT_A_NETNS');
    t.regex(hintText(error.hint), new RegExp(`rm /run/netns/${name}`));
  } finally {
    await deleteNetns(name);
  }
});

test('a refused reference leaves no file open', (t) => {
  const open = (): number => readdirSync('/proc/self/fd').length;
  refusal(() => openNetnsRef(`/proc/${process.pid}/ns/mnt`));
  const before = open();
  for (let i = 0; i < 20; i++) refusal(() => openNetnsRef(`/proc/${process.pid}/ns/mnt`));
  t.is(open(), before);
});

test('namespaces are made and deleted as ip netns does', async (t) => {
  const name = uniqueName();
  await createNetns(name);
  try {
    t.true(netnsExists(name));
    t.true(netnsList().includes(name));
    const again = await rejection(createNetns(name));
    t.is(again.code, 'NETNS_EXISTS');
    t.is(again.exitCode, 1);
  } finally {
    t.true(await deleteNetns(name));
  }
  t.false(await deleteNetns(name));
  t.false(netnsExists(name));
});

test('a namespace created inside another one is visible on the host, too', async (t) => {
  await withNamespaces(1, (ns) => {
    const name = uniqueName();
    const script = new URL('./helpers/make-netns.js', import.meta.url).pathname;
    inside(ns, process.execPath, script, 'add', name);
    try {
      t.true(netnsExists(name));
      const ref = openNetnsRef(name);
      t.false(sameNetns(ref, ns));
      closeNetns(ref);
    } finally {
      inside(ns, process.execPath, script, 'del', name);
    }
    t.false(netnsExists(name));
  });
});

test('the suggested name is one typing error away', (t) => {
  t.is(closestWord('ns2x', ['blue', 'ns1', 'ns2']), 'ns2');
  t.is(closestWord('defualt', ['default', 'blue']), 'default');
  t.is(closestWord('zork', ['default', 'blue']), undefined);
  t.is(closestWord('a', []), undefined);
});
