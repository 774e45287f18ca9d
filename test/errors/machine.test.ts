/** Missing or damaged parts of a machine: one message each, and nothing is changed. */
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { attach } from '../../src/control/endpoint/attach.js';
import { prepareNode } from '../../src/control/node/node.js';
import { installDatapath } from '../../src/datapath/install.js';
import { tryLock } from '../../src/store/lock.js';
import { openLabNode } from '../helpers/node.js';
import { differences, takeSnapshot } from '../helpers/snapshot.js';
import { DPCTL, type Lab, openLab, run } from '../system/helpers/lab.js';
import { type Run, refused } from './helpers/refusal.js';

/** A lab with one namespace on a node where dpctl was never used. */
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

/** The objects of this build with another one for endpoints. */
function copyBuild(dir: string, endpoint: Uint8Array): void {
  cpSync(join(dirname(DPCTL), 'bpf'), dir, { recursive: true });
  writeFileSync(join(dir, 'endpoint.bpf.o'), endpoint);
}

async function withDirectory(use: (dir: string) => Promise<unknown>): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'dpctl-err-'));
  try {
    await use(dir);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

test.serial('a kernel without the helpers of the datapath', (t) =>
  onLab(t, async (lab, ns) => {
    const { details } = await refused(
      t,
      lab,
      [ns],
      ['attach', ns],
      {
        code: 'KERNEL_TOO_OLD',
        exit: 2,
        message: /does not have redirect_peer \(Linux 5\.10\), bpf_loop \(Linux 5\.17\)/,
        hint: /Linux 5\.17 or later/,
      },
      { env: { DPCTL_PROBE_DISABLE: 'bpf_loop,redirect_peer' } },
    );
    t.deepEqual(details.missing, ['redirect_peer', 'bpf_loop']);
  }),
);

test.serial('a kernel without tcx gets filters of clsact instead', (t) =>
  onLab(t, async (lab, ns) => {
    const options = { env: { DPCTL_PROBE_DISABLE: 'tcx' } };
    const { stderr, code } = await lab.dpctl(['attach', ns], options);
    t.is(code, 0, stderr);
    t.regex(stderr, /\(clsact, /);
    t.regex((await lab.dpctl(['status'], options)).stdout, /tcx +no, clsact is used/);
  }),
);

test.serial('an unknown attach mode, and an unknown feature to disable', (t) =>
  onLab(t, async (lab, ns) => {
    for (const args of [['attach', ns], ['status'], ['reconcile']]) {
      await refused(
        t,
        lab,
        [ns],
        args,
        {
          code: 'TC_UNKNOWN',
          exit: 1,
          message: /DPCTL_TC=clasct is not an attach mode/,
          hint: /set DPCTL_TC to clsact, or unset it/,
        },
        { env: { DPCTL_TC: 'clasct' } },
      );
      await refused(
        t,
        lab,
        [ns],
        args,
        {
          code: 'PROBE_UNKNOWN',
          exit: 1,
          message: /DPCTL_PROBE_DISABLE names "txc", which is not a feature/,
          hint: /tcx,batch,/,
        },
        { env: { DPCTL_PROBE_DISABLE: 'bpf_loop,txc' } },
      );
    }
  }),
);

test.serial('a user who is not root', (t) =>
  onLab(t, async (lab, ns) => {
    const nobody = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'];
    await refused(
      t,
      lab,
      [ns],
      ['attach', ns],
      {
        code: 'NOT_ROOT',
        exit: 2,
        message: /not permitted: CAP_NET_ADMIN and CAP_SYS_ADMIN missing/,
        hint: /sudo dpctl .*attach/,
      },
      {
        run: (args, options) =>
          run(
            [
              ...['ip', 'netns', 'exec', lab.node, ...nobody],
              ...[process.execPath, DPCTL, '--root', lab.root, ...args],
            ],
            options,
          ),
      },
    );
  }),
);

test.serial('root without the capabilities of one', (t) =>
  onLab(t, async (lab, ns) => {
    await refused(
      t,
      lab,
      [ns],
      ['attach', ns],
      {
        code: 'NOT_ROOT',
        exit: 2,
        message: /not permitted: CAP_SYS_ADMIN missing/,
        hint: /in a container, run it with --privileged/,
      },
      {
        run: (args, options) =>
          run(
            [
              ...['ip', 'netns', 'exec', lab.node, 'setpriv', '--bounding-set', '-sys_admin'],
              ...[process.execPath, DPCTL, '--root', lab.root, ...args],
            ],
            options,
          ),
      },
    );
  }),
);

test.serial('no BPF file system can be mounted', (t) =>
  onLab(t, async (lab, ns) => {
    mkdirSync(join(lab.root, 'run/dpctl'), { recursive: true });
    for (const name of ['lock', 'lock.turn']) writeFileSync(join(lab.root, 'run/dpctl', name), '');
    writeFileSync(join(lab.root, 'run/dpctl/bpf'), 'in the way');
    await refused(t, lab, [ns], ['attach', ns], {
      code: 'BPFFS_UNAVAILABLE',
      exit: 2,
      message: /no BPF file system at .*run\/dpctl\/bpf/,
      hint: /mount -t bpf bpf/,
    });
  }),
);

test.serial('a root directory that cannot be', (t) =>
  onLab(t, async (lab, ns) => {
    await refused(t, lab, [ns], ['--root', '/proc/nowhere', 'attach', ns], {
      code: 'STORE_UNAVAILABLE',
      exit: 5,
      message: /\/proc\/nowhere/,
      hint: /./,
    });
  }),
);

test.serial('a mount namespace that hides the BPF file system is no obstacle', (t) =>
  onLab(t, async (lab, ns) => {
    const other = await lab.container('y');
    await lab.must('attach', other);
    const hide = `umount ${lab.root}/run/dpctl/bpf; mount -t tmpfs none ${lab.root}/run && exec "$@"`;
    const { code, stderr } = await lab.inside(lab.node, [
      ...['unshare', '-m', 'sh', '-c', hide, 'sh'],
      ...[process.execPath, DPCTL, '--root', lab.root, 'attach', ns],
    ]);
    t.is(code, 0, stderr);
    t.is((await lab.json<unknown[]>(['endpoints'])).length, 2);
    await lab.within(ns, 'ping', '-c', '1', '-W', '1', '10.201.0.2');
    t.is((await lab.dpctl(['status'])).code, 0);
  }),
);

test.serial('unmounted pins are recreated', (t) =>
  onLab(t, async (lab, ns) => {
    const other = await lab.container('y');
    await lab.must('attach', ns);
    await lab.must('attach', other);
    await run(['umount', `${lab.root}/run/dpctl/bpf`]);
    t.is((await lab.dpctl(['status'])).code, 4, 'status sees it');
    await lab.must('reconcile');
    t.is((await lab.dpctl(['status'])).code, 0);
    await lab.within(ns, 'ping', '-c', '1', '-W', '1', '10.201.0.3');
  }),
);

test.serial('an unpinned table is recreated for all endpoints', (t) =>
  onLab(t, async (lab, ns) => {
    const other = await lab.container('y');
    await lab.must('attach', ns);
    rmSync(join(lab.root, 'run/dpctl/bpf/maps/dp_neigh_v1'));
    await lab.must('attach', other);
    t.is((await lab.dpctl(['status'])).code, 0);
    t.is((await lab.json<unknown[]>(['dump', 'neigh'])).length, 4);
    await lab.within(other, 'ping', '-c', '1', '-W', '1', '10.201.0.2');
  }),
);

test.serial('a table that is full', (t) =>
  onLab(t, async (lab, ns) => {
    const node = openLabNode(lab);
    try {
      await prepareNode(node);
      const dir = join(lab.root, 'run/dpctl/bpf');
      const [mapsDir, programsDir] = [join(dir, 'maps'), join(dir, 'programs')];
      const buildFile = join(dir, 'build');
      const linksDir = join(dir, 'links');
      installDatapath({ buildFile, mapsDir, programsDir, linksDir }, { dp_neigh_v1: 2 });
      await attach(node, { ns: await lab.container('y') });
      await refused(t, lab, [ns], ['attach', ns], {
        code: 'MAP_FULL',
        exit: 2,
        message: /the neigh table is full \(2 entries\)/,
        hint: /dpctl dump neigh/,
      });
    } finally {
      node.close();
    }
  }),
);

test.serial('a pinned table of another layout is recreated', (t) =>
  onLab(t, async (lab, ns) => {
    const node = openLabNode(lab);
    await prepareNode(node);
    node.close();
    for (const name of ['lock', 'lock.turn']) writeFileSync(join(lab.root, 'run/dpctl', name), '');
    const path = join(lab.root, 'run/dpctl/bpf/maps/dp_fdb_v1');
    const layout = ['type', 'hash', 'key', '4', 'value', '4', 'entries', '8', 'name', 'old'];
    await lab.within(lab.node, 'bpftool', 'map', 'create', path, ...layout);
    await lab.must('attach', ns);
    const shown = await lab.within(lab.node, 'bpftool', '-j', 'map', 'show', 'pinned', path);
    t.not((JSON.parse(shown) as { bytes_key: number }).bytes_key, 4);
    t.is((await lab.dpctl(['status'])).code, 0);
  }),
);

test.serial('a program that the verifier rejects', (t) =>
  onLab(t, async (lab, ns) => {
    const objects = join(lab.root, 'objects');
    copyBuild(objects, readFileSync(new URL('./bpf/endpoint.bpf.o', import.meta.url)));
    const env = { DPCTL_BPF_DIR: objects, TMPDIR: objects };
    // Users send in the log, so it is kept.
    const before = await takeSnapshot(lab, [ns]);
    const { code, stdout, stderr } = await lab.dpctl(['attach', ns], { env });
    t.is(code, 2);
    t.is(stdout, '');
    t.regex(
      stderr,
      /^error\[VERIFIER\]: the kernel refused program endpoint of .*endpoint\.bpf\.o/,
    );
    t.regex(stderr, /invalid mem access 'map_value_or_null'/);
    t.regex(stderr, /^try: report it with the whole log/m);
    const [, log = ''] = /the whole log: (\S+)/.exec(stderr) ?? [];
    t.true(existsSync(log), log);
    rmSync(log);
    t.deepEqual(differences(before, await takeSnapshot(lab, [ns])), []);
    const json = await lab.dpctl(['attach', ns, '-o', 'json'], { env });
    const { code: name, details } = JSON.parse(json.stderr) as {
      code: string;
      details: { program: string };
    };
    t.is(name, 'VERIFIER');
    t.is(details.program, 'endpoint');
  }),
);

test.serial('a build without its BPF object, or with half of one', (t) =>
  onLab(t, async (lab, ns) => {
    await refused(
      t,
      lab,
      [ns],
      ['attach', ns],
      {
        code: 'NOT_BUILT',
        exit: 70,
        message: /the BPF object .*\/nowhere\/\w+\.bpf\.o does not exist/,
        hint: /make build/,
      },
      { env: { DPCTL_BPF_DIR: '/nowhere' } },
    );
    await withDirectory(async (dir) => {
      copyBuild(dir, Buffer.from('half'));
      await refused(
        t,
        lab,
        [ns],
        ['attach', ns],
        {
          code: 'OBJECT_FORMAT',
          exit: 2,
          message: /endpoint\.bpf\.o: not an ELF file/,
          hint: /make build/,
        },
        { env: { DPCTL_BPF_DIR: dir } },
      );
    });
  }),
);

test.serial('two commands at once: the second waits until its time-out', (t) =>
  onLab(t, async (lab, ns) => {
    await lab.must('network', 'add', 'first');
    const release = tryLock(join(lab.root, 'run/dpctl/lock'), 'a test');
    t.truthy(release);
    await refused(
      t,
      lab,
      [ns],
      ['attach', ns],
      {
        code: 'STORE_BUSY',
        exit: 5,
        message: /a test \(pid \d+\) is changing this node; waited 0\.3 s/,
        hint: /try again, or wait longer: DPCTL_LOCK_TIMEOUT=60000/,
      },
      { env: { DPCTL_LOCK_TIMEOUT: '300' } },
    );
    const waiting = lab.must('attach', ns);
    await new Promise((resolve) => setTimeout(resolve, 300));
    release?.();
    await waiting;
  }),
);

test.serial('an interface of the name that an endpoint needs', (t) =>
  onLab(t, async (lab, ns) => {
    await lab.must('network', 'add', 'first');
    await lab.within(lab.node, 'ip', 'link', 'add', 'dp000001', 'type', 'bridge');
    await refused(t, lab, [ns], ['attach', ns], {
      code: 'INTERFACE_EXISTS',
      exit: 1,
      message:
        /needs an interface dp000001 on this node, and the existing one does not belong to dpctl/,
      hint: /ip link show dp000001/,
    });
  }),
);

test.serial('a gateway on a network that the node itself is on', (t) =>
  onLab(t, async (lab, ns) => {
    const ip = (...args: string[]) => lab.within(lab.node, 'ip', ...args);
    await ip('link', 'add', 'lan0', 'type', 'veth', 'peer', 'name', 'lan1');
    await ip('link', 'set', 'lan0', 'up');
    await ip('addr', 'add', '192.168.1.7/24', 'dev', 'lan0');
    await ip('addr', 'add', '2001:db8:1::7/64', 'dev', 'lan0', 'nodad');
    await ip('route', 'add', '10.0.0.0/8', 'via', '192.168.1.254');
    await ip('route', 'add', '10.3.0.0/24', 'via', '192.168.1.254');
    for (const [subnet, theirs, free] of [
      ['192.168.1.0/24', '192.168.1.0/24', '192.168.2.0/24'],
      ['192.168.1.128/25', '192.168.1.0/24', '192.168.2.0/25'],
      ['2001:db8::/32', '2001:db8:1::/64', '2001:db9::/32'],
      ['10.3.0.0/16', '10.3.0.0/24', '10.4.0.0/16'],
    ] as const) {
      const add = ['network', 'add', 'lan', '--subnet', subnet, '--gateway'];
      await refused(t, lab, [ns], add, {
        code: 'SUBNET_OVERLAP',
        exit: 1,
        message: new RegExp(`${subnet} of network lan overlaps ${theirs}, .* by lan0`),
        hint: new RegExp(`dpctl network add lan --subnet ${free} --gateway, or without --gateway`),
      });
    }
    const lan = ['network', 'add', 'lan', '--subnet', '192.168.1.0/24'];
    await lab.must(...lan);
    t.is((await lab.dpctl([...lan, '--gateway'])).code, 1, 'nor for a network that is there');
    const wan = ['network', 'add', 'wan', '--subnet', '10.4.0.0/24', '--gateway'];
    t.regex((await lab.must(...wan)).stderr, /gateway 10\.4\.0\.1/, 'a part of what a router has');
    t.regex((await lab.must(...wan)).stderr, /unchanged/);
    await lab.must('network', 'add', 'wan', '--gateway', '10.4.0.9');
  }),
);

for (const way of ['auto', 'clsact']) {
  test.serial(`another root in the same namespace is left alone (${way})`, (t) =>
    onLab(t, (lab, ns) => expectLeftAlone(t, lab, ns, { DPCTL_TC: way })),
  );
}

async function expectLeftAlone(
  t: ExecutionContext,
  lab: Lab,
  ns: string,
  env: Readonly<Record<string, string>>,
): Promise<void> {
  const first = (...args: string[]) => lab.dpctl(args, { env });
  const other = await lab.container('y');
  const veth = ['u0', 'type', 'veth', 'peer', 'name', 'u1'];
  await lab.within(lab.node, 'ip', 'link', 'add', ...veth);
  for (const name of ['u0', 'u1']) await lab.within(lab.node, 'ip', 'link', 'set', name, 'up');
  await lab.within(lab.node, 'ip', 'addr', 'add', '192.0.2.1/24', 'dev', 'u0');
  t.is((await first('attach', other)).code, 0);
  t.is((await first('underlay', 'set', 'u0')).code, 0);
  const filters = () => lab.within(lab.node, 'tc', 'filter', 'show', 'dev', 'u0', 'ingress');
  const [before, filter] = [await takeSnapshot(lab, [ns, other]), await filters()];
  await withDirectory(async (root) => {
    const second = { ...lab, root };
    const runSecond: Run = (args, options) =>
      lab.dpctl(['--root', root, ...args], { env: { ...env, ...options?.env } });
    try {
      const refuse = (args: string[], code: string, message: RegExp, hint: RegExp) =>
        refused(t, second, [ns, other], args, { code, exit: 1, message, hint }, { run: runSecond });
      const alone = /each root needs a network namespace of its own/;
      const theirs = /dp000001 .* belongs to another dpctl root: dp000001 \(dpctl .*y\/eth0\)/;
      await refuse(['attach', ns], 'INTERFACE_EXISTS', theirs, alone);
      const attached = /another dpctl root has attached it/;
      await refuse(['attach', other], 'INTERFACE_EXISTS', attached, /--ifname eth1/);
      const used = /u0 is the underlay of another dpctl root/;
      await refuse(['underlay', 'set', 'u0'], 'UNDERLAY_IN_USE', used, alone);
      for (const args of [['network', 'add', 'own'], ['reconcile'], ['reset', '--yes']]) {
        t.is((await runSecond(args)).code, 0, args.join(' '));
      }
    } finally {
      await runSecond(['reset', '--yes']);
    }
  });
  t.deepEqual(differences(before, await takeSnapshot(lab, [ns, other])), []);
  t.is(await filters(), filter);
}
