/** Unsuitable disks, containers, libraries and pins give one message and change nothing. */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { DpctlError } from '../../loader/errors.js';
import { detach } from '../../src/control/endpoint/detach.js';
import type { Node } from '../../src/control/node/node.js';
import { hintText } from '../../src/model/hint.js';
import { openLabNode } from '../helpers/node.js';
import { differences, takeSnapshot } from '../helpers/snapshot.js';
import { DPCTL, type Lab, openLab, run } from '../system/helpers/lab.js';
import { type Run, refused } from './helpers/refusal.js';

async function onLab(
  t: ExecutionContext,
  use: (lab: Lab, ns: string) => Promise<unknown>,
): Promise<void> {
  t.timeout(120_000);
  const lab = await openLab();
  try {
    await use(lab, await lab.container('x'));
  } finally {
    await lab.close();
  }
}

/** Run a section with a small file system as the node's root directory. */
async function withDisk(lab: Lab, options: string, use: () => Promise<unknown>): Promise<void> {
  await run(['mount', '-t', 'tmpfs', '-o', options, 'none', lab.root]);
  try {
    await use();
  } finally {
    await lab.dpctl(['reset', '--yes']);
    await run(['umount', '--lazy', lab.root]);
  }
}

/** dpctl in a mount namespace of its own that a shell command has changed. */
function behind(lab: Lab, change: string): Run {
  return (args, options) =>
    lab.inside(
      lab.node,
      [
        ...['unshare', '-m', 'sh', '-c', `${change} && exec "$@"`, 'sh'],
        ...[process.execPath, DPCTL, '--root', lab.root, ...args],
      ],
      options,
    );
}

test.serial('a read-only file system', (t) =>
  onLab(t, (lab, ns) =>
    withDisk(lab, 'ro', async () => {
      const { msg } = await refused(t, lab, [ns], ['attach', ns], {
        code: 'STORE_UNAVAILABLE',
        exit: 5,
        message: /cannot make .*run\/dpctl: EROFS \(read-only file system\)/,
        hint: /writable place with --root/,
      });
      t.notRegex(msg, /\/proc\//, 'the path is the one that people know');
    }),
  ),
);

test.serial('a full file system', (t) =>
  onLab(t, (lab, ns) =>
    withDisk(lab, 'size=64k', async () => {
      await lab.must('attach', await lab.container('y'));
      await run(['dd', 'if=/dev/zero', `of=${lab.root}/fill`, 'bs=4k']);
      await refused(t, lab, [ns], ['attach', ns], {
        code: 'STORE_UNAVAILABLE',
        exit: 5,
        message: /run\/dpctl\/\S+: ENOSPC \(no space left on device\)/,
        hint: /free space on that file system/,
      });
      rmSync(join(lab.root, 'fill'));
      await lab.must('attach', ns);
      await lab.within(ns, 'ping', '-c', '1', '-W', '1', '10.201.0.2');
    }),
  ),
);

test.serial('a disk full at the end of a change: the remedy comes first', (t) =>
  onLab(t, (lab, ns) =>
    withDisk(lab, 'size=64k', async () => {
      await lab.must('attach', ns);
      const node = openLabNode(lab);
      let saves = 0;
      const store: Node['store'] = {
        ...node.store,
        async save(before, after) {
          saves++;
          if (saves === 2) spawnSync('dd', ['if=/dev/zero', `of=${lab.root}/fill`, 'bs=4k']);
          return node.store.save(before, after);
        },
      };
      try {
        const error = await t.throwsAsync(detach({ ...node, store }, { ns }), {
          instanceOf: DpctlError,
        });
        t.regex(error?.message ?? '', /ENOSPC.*; the change is half done$/);
        t.is(hintText(error?.hint), 'free space on that file system; then: dpctl reconcile');
      } finally {
        node.close();
      }
      rmSync(join(lab.root, 'fill'));
      await lab.must('reconcile');
      t.deepEqual(await lab.json(['endpoints']), []);
    }),
  ),
);

test.serial('sysctls that a container may not write', (t) =>
  onLab(t, async (lab, ns) => {
    await lab.must('attach', ns);
    await refused(
      t,
      lab,
      [ns],
      ['network', 'add', 'lan', '--subnet', '10.5.0.0/24', '--gateway'],
      {
        code: 'KERNEL_EROFS',
        exit: 2,
        message: /\/proc\/sys\/net\/ipv4\/ip_forward: EROFS/,
        hint: /--privileged/,
      },
      {
        run: behind(lab, 'mount --bind /proc/sys /proc/sys && mount -o remount,bind,ro /proc/sys'),
      },
    );
  }),
);

test.serial('masquerading without nft', (t) =>
  onLab(t, async (lab, ns) => {
    const subnet = ['--subnet', '10.5.0.0/24'];
    await refused(
      t,
      lab,
      [ns],
      ['network', 'add', 'lan', ...subnet, '--gateway', '--masquerade'],
      {
        code: 'COMMAND_MISSING',
        exit: 2,
        message: /the program "nft" is not installed/,
        hint: /apt-get install nftables/,
      },
      { run: behind(lab, 'mount -t tmpfs none /usr/sbin') },
    );
  }),
);

test.serial('a gateway that does not masquerade needs no nft, nor does its status', (t) =>
  onLab(t, async (lab) => {
    const withoutNft = behind(lab, 'mount -t tmpfs none /usr/sbin');
    const subnet = ['--subnet', '10.5.0.0/24'];
    t.is((await withoutNft(['network', 'add', 'lan', ...subnet, '--gateway'])).code, 0);
    const { code, stdout, stderr } = await withoutNft(['status']);
    t.is(code, 0, stderr);
    t.regex(stdout, /^firewall +not looked at: the program nft is not installed$/m);
    t.regex(stdout, /\nhealthy$/);
  }),
);

test.serial('a namespace in which IPv6 is switched off gets it on its new interface alone', (t) =>
  onLab(t, async (lab, ns) => {
    const off = (name: string) => ['sysctl', '-qw', `net.ipv6.conf.${name}.disable_ipv6=1`];
    for (const name of ['all', 'default']) await lab.within(ns, ...off(name));
    await lab.must('attach', await lab.container('y'));
    await lab.must('attach', ns);
    await lab.within(ns, 'ping', '-c', '1', '-W', '1', 'fd00:c9::2');
    t.is((await lab.within(ns, 'sysctl', '-n', 'net.ipv6.conf.all.disable_ipv6')).trim(), '1');
    t.is((await lab.dpctl(['status'])).code, 0);
  }),
);

test.serial('an existing veth with IPv6 disabled is left unchanged', (t) =>
  onLab(t, async (lab, ns) => {
    const peer = ['type', 'veth', 'peer', 'name', 'eth0', 'netns', ns];
    await lab.within(lab.node, 'ip', 'link', 'add', 'vh0', ...peer);
    await lab.within(ns, 'sysctl', '-qw', 'net.ipv6.conf.eth0.disable_ipv6=1');
    await refused(t, lab, [ns], ['attach', ns], {
      code: 'IPV6_DISABLED',
      exit: 2,
      message: /IPv6 is disabled on eth0 in dt/,
      hint: /sysctl -w net\/ipv6\/conf\/eth0\/disable_ipv6=0/,
    });
    const subnet = ['--subnet', '10.5.0.0/24'];
    await lab.must('network', 'add', 'four', ...subnet);
    await lab.must('attach', ns, '--network', 'four');
  }),
);

test.serial('a libbpf that does not load, and an unknown FFI backend', (t) =>
  onLab(t, async (lab, ns) => {
    const library = {
      code: 'LIBRARY_MISSING',
      exit: 2,
      message: /libbpf \(\S+\) does not load/,
      hint: /install the package libbpf1/,
    };
    for (const path of ['/nowhere.so', '/etc/hostname']) {
      const options = { env: { DPCTL_LIBBPF: path } };
      await refused(t, lab, [ns], ['attach', ns], library, options);
    }
    await refused(
      t,
      lab,
      [ns],
      ['attach', ns],
      {
        code: 'FFI_UNKNOWN',
        exit: 1,
        message: /DPCTL_FFI=nope is not an FFI backend/,
        hint: /koffi/,
      },
      { env: { DPCTL_FFI: 'nope' } },
    );
  }),
);

test.serial("something else is pinned where the links of an underlay's programs are to be", (t) =>
  onLab(t, async (lab, ns) => {
    const overlay = join(lab.root, 'run/dpctl/bpf/overlay');
    const aside = mkdtempSync(join(tmpdir(), 'dpctl-err-'));
    await run(['mount', '-t', 'bpf', 'none', aside]);
    try {
      const veth = ['u0', 'type', 'veth', 'peer', 'name', 'u1'];
      await lab.within(lab.node, 'ip', 'link', 'add', ...veth);
      for (const name of ['u0', 'u1']) await lab.within(lab.node, 'ip', 'link', 'set', name, 'up');
      await lab.within(lab.node, 'ip', 'addr', 'add', '192.0.2.1/24', 'dev', 'u0');
      await lab.must('attach', ns);
      for (const decap of ['tc', 'xdp']) {
        await lab.must('underlay', 'set', 'u0', '--decap', decap);
        await lab.must('node', 'add', 'far', '--vtep', '192.0.2.7');
        const names = readdirSync(overlay);
        t.true(names.length > 1, names.join());
        for (const name of names) {
          const map = join(aside, 'map');
          const layout = ['type', 'hash', 'key', '4', 'value', '4', 'entries', '1', 'name', 'old'];
          t.is((await run(['bpftool', 'map', 'create', map, ...layout])).code, 0);
          rmSync(join(overlay, name));
          const pinned = await run(['bpftool', 'map', 'pin', 'pinned', map, join(overlay, name)]);
          t.is(pinned.code, 0, pinned.stderr);
          rmSync(map);
          const status = await lab.dpctl(['status']);
          t.is(status.code, 4, `${decap} ${name}: ${status.stderr}`);
          const reconciled = await lab.dpctl(['reconcile']);
          t.is(reconciled.code, 0, `${decap} ${name}: ${reconciled.stderr}`);
          t.is((await lab.dpctl(['status'])).code, 0, `${decap} ${name}`);
        }
      }
    } finally {
      await run(['umount', aside]);
      rmSync(aside, { recursive: true });
    }
  }),
);

test.serial('something else is pinned where a table, a program or a link is to be', (t) =>
  onLab(t, async (lab, ns) => {
    const bpf = join(lab.root, 'run/dpctl/bpf');
    const aside = mkdtempSync(join(tmpdir(), 'dpctl-err-'));
    await run(['mount', '-t', 'bpf', 'none', aside]);
    try {
      const other = await lab.container('y');
      const map = join(aside, 'map');
      const layout = ['type', 'hash', 'key', '4', 'value', '4', 'entries', '1', 'name', 'old'];
      for (const kind of ['maps/dp_port_v1', 'programs/*/endpoint', 'links/1']) {
        await lab.must('attach', other);
        const created = await run(['bpftool', 'map', 'create', map, ...layout]);
        t.is(created.code, 0, created.stderr);
        const swap = kind.startsWith('maps')
          ? `rm $1/${kind} && bpftool prog pin pinned $1/programs/*/control $1/${kind}`
          : `p=$(echo $1/${kind}) && rm $p && bpftool map pin pinned ${map} $p`;
        const swapped = await run(['sh', '-c', swap, 'sh', bpf]);
        t.is(swapped.code, 0, swapped.stderr);
        rmSync(map);
        const links = () => lab.inside(lab.node, ['ip', '-j', 'link']);
        const before = await links();
        const { code, stderr } = await lab.dpctl(['reconcile']);
        t.is(code, 0, `${kind} is made again: ${stderr}`);
        t.is((await lab.dpctl(['status'])).code, 0, kind);
        t.is((await links()).stdout, before.stdout);
        const reset = await lab.dpctl(['reset', '--yes']);
        t.is(reset.code, 0, reset.stderr);
      }
      t.deepEqual(
        differences({}, await takeSnapshot(lab, [ns])).filter((l) => /mounts|pins/.test(l)),
        [],
      );
    } finally {
      await run(['umount', aside]);
      rmSync(aside, { recursive: true });
    }
  }),
);
