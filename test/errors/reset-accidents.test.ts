/**
 * reset after accidents, next to other roots, and on a poor machine removes all of dpctl, also from the
 * kernel.
 */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { attach } from '../../src/control/endpoint/attach.js';
import { networkAdd } from '../../src/control/network/network.js';
import { openLabNode } from '../helpers/node.js';
import { differences } from '../helpers/snapshot.js';
import { putForeign } from '../system/helpers/foreign.js';
import { DPCTL, type Ran, run } from '../system/helpers/lab.js';
import { start } from '../system/helpers/process.js';
import { expectNothingLeft, fill, type Machine, onMachine, reset } from './helpers/machine.js';

/** Delete the nft table of a root, whose name contains the root's id. */
const DELETE_RULES = "nft delete table inet $(nft list tables | grep -o 'dpctl_[0-9a-f]*')";

const BPF = 'run/dpctl/bpf';
const RUNTIME = 'run/dpctl/endpoints.json';
const DURABLE = 'var/lib/dpctl/state.json';

test.serial('everything that dpctl makes is removed, and dpctl can be used again', (t) =>
  onMachine(t, async (machine) => {
    for (const round of ['first', 'second']) {
      await fill(machine);
      t.is((await machine.lab.dpctl(['status'])).code, 0, `${round} use`);
      await expectNothingLeft(t, machine, `${round} reset`);
    }
  }),
);

test.serial('networks alone, without any endpoint', (t) =>
  onMachine(t, async (machine) => {
    await machine.lab.must('network', 'add', 'blue', '--subnet', '10.5.0.0/24');
    await expectNothingLeft(t, machine, 'networks alone');
  }),
);

test.serial('twice, and three at once', (t) =>
  onMachine(t, async (machine) => {
    await fill(machine);
    await expectNothingLeft(t, machine, 'three at once', async () => {
      const ran = await Promise.all([reset(machine), reset(machine), reset(machine)]);
      for (const { code, stderr } of ran) t.is(code, 0, stderr);
    });
    const again = await reset(machine);
    t.is(again.code, 0);
    t.is(again.stderr, 'unchanged');
    t.deepEqual(differences(machine.before, await machine.look()), [], 'twice');
  }),
);

test.serial('filters of clsact, whether or not the kernel is still known to lack tcx', (t) =>
  onMachine(t, async (machine) => {
    for (const env of [{ DPCTL_PROBE_DISABLE: 'tcx' }, {}]) {
      process.env.DPCTL_TC = 'clsact';
      try {
        await fill(machine);
      } finally {
        delete process.env.DPCTL_TC;
      }
      await expectNothingLeft(t, machine, `clsact ${JSON.stringify(env)}`, async () => {
        t.is((await reset(machine, env)).code, 0);
      });
    }
  }),
);

test.serial('filters, rules, addresses and sysctls of others stay', (t) =>
  onMachine(t, async (machine) => {
    const { lab, adopted } = machine;
    const sysctl = (key: string, value: string) =>
      lab.within(lab.node, 'sh', '-c', `echo ${value} > /proc/sys/${key}`);
    await sysctl('net/ipv4/ip_forward', '1');
    await sysctl('net/ipv6/conf/all/forwarding', '0');
    await lab.within(lab.node, 'nft', 'add', 'table', 'inet', 'theirs');
    await lab.within(lab.node, 'tc', 'qdisc', 'add', 'dev', 'vh0', 'clsact');
    const vh0 = (await lab.within(lab.node, 'cat', '/sys/class/net/vh0/ifindex')).trim();
    const filters = [
      putForeign(t, lab, Number(vh0), 'watch', 'first'),
      putForeign(t, lab, Number(vh0), 'watch', { preference: 7 }),
    ];
    const before = await machine.look();
    await fill(machine);
    // dpctl changed it, and an administrator has changed it since.
    await sysctl('net/ipv6/conf/all/forwarding', '0');
    await lab.within(adopted, 'ip', 'addr', 'add', '192.0.2.8/24', 'dev', 'eth0');
    await expectNothingLeft(t, { ...machine, before }, 'beside others', async () => {
      t.is((await reset(machine)).code, 0);
      t.regex(await lab.within(adopted, 'ip', 'addr', 'show', 'eth0'), /192\.0\.2\.8\/24/);
      await lab.within(adopted, 'ip', 'addr', 'del', '192.0.2.8/24', 'dev', 'eth0');
    });
    const seen = filters.map((filter) => filter.seen());
    await lab.inside(adopted, ['ping', '-c', '1', '-W', '0.2', '-b', '10.66.0.255']);
    t.true(
      filters.every((filter, index) => filter.seen() > (seen[index] ?? 0)),
      'filters of others still see frames',
    );
  }),
);

/** An accident of a node in use. */
interface Accident {
  readonly title: string;
  readonly happens: (machine: Machine) => Promise<unknown>;
}

function rewrite(file: string, edit: (text: string) => string) {
  return async ({ lab }: Machine): Promise<void> => {
    const path = join(lab.root, file);
    writeFileSync(path, edit(readFileSync(path, 'utf8')));
  };
}

const inNode = ({ lab }: Machine, ...argv: string[]): Promise<string> =>
  lab.within(lab.node, ...argv);
const remove = ({ lab }: Machine, path: string): void =>
  rmSync(join(lab.root, path), { recursive: true, force: true });

/** The first device, by name, that dpctl made. */
async function ownDevice({ lab }: Machine): Promise<string> {
  const links = JSON.parse(await lab.within(lab.node, 'ip', '-j', 'link', 'show')) as {
    ifname: string;
  }[];
  return links.find(({ ifname }) => /^dp[0-9a-f]{6}$/.test(ifname))?.ifname ?? '';
}

const ACCIDENTS: readonly Accident[] = [
  {
    title: 'a saved state that is no JSON any more',
    happens: rewrite(RUNTIME, (text) => text.replace('"version": 1,', '"version": 1,,')),
  },
  {
    title: 'saved networks that are no JSON any more',
    happens: rewrite(DURABLE, (text) => text.slice(0, text.length / 2)),
  },
  {
    title: 'the state of a newer dpctl',
    happens: async (machine) => {
      for (const file of [RUNTIME, DURABLE]) {
        await rewrite(file, (text) => text.replace('"version": 1', '"version": 2'))(machine);
      }
    },
  },
  { title: 'no saved networks', happens: async (machine) => remove(machine, 'var/lib/dpctl') },
  {
    title: 'a veth that somebody deleted',
    happens: async (machine) => inNode(machine, 'ip', 'link', 'del', await ownDevice(machine)),
  },
  {
    title: 'a veth that somebody renamed',
    happens: async (machine) =>
      inNode(machine, 'ip', 'link', 'set', await ownDevice(machine), 'name', 'mine0'),
  },
  {
    title: 'links that somebody unpinned',
    happens: async (machine) => remove(machine, `${BPF}/links`),
  },
  {
    title: 'tables that somebody unpinned',
    happens: async (machine) => remove(machine, `${BPF}/maps`),
  },
  {
    title: 'programs that somebody unpinned',
    happens: async (machine) => remove(machine, `${BPF}/programs`),
  },
  {
    title: 'a BPF file system that somebody unmounted',
    happens: ({ lab }) => run(['umount', join(lab.root, BPF)]),
  },
  {
    title: 'a BPF file system with another mount over it',
    happens: ({ lab }) => run(['mount', '-t', 'tmpfs', 'none', join(lab.root, BPF)]),
  },
  {
    title: "a name of the node's namespace that somebody unmounted",
    happens: ({ lab }) => run(['umount', join(lab.root, 'run/dpctl/netns')]),
  },
  {
    title: 'rules that somebody deleted',
    happens: (machine) => inNode(machine, 'sh', '-c', DELETE_RULES),
  },
  {
    title: 'files that somebody left',
    happens: async ({ lab }) => {
      writeFileSync(join(lab.root, 'run/dpctl/note'), 'mine');
      writeFileSync(join(lab.root, `${RUNTIME}.12.tmp`), 'half');
    },
  },
];

for (const { title, happens } of ACCIDENTS) {
  test.serial(title, (t) =>
    onMachine(t, async (machine) => {
      await fill(machine);
      await happens(machine);
      await expectNothingLeft(t, machine, title);
    }),
  );
}

test.serial('a namespace with a reused name keeps its content', (t) =>
  onMachine(t, async (machine) => {
    const { lab, plain, made } = machine;
    await fill(machine);
    for (const ns of [plain, made]) {
      await run(['ip', 'netns', 'del', ns]);
      await run(['ip', 'netns', 'add', ns]);
      await lab.within(ns, 'ip', 'link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', 'far0');
    }
    const { code, stderr } = await reset(machine);
    t.is(code, 0, stderr);
    for (const ns of [plain, made]) {
      t.regex(await lab.within(ns, 'ip', '-br', 'link', 'show'), /^eth0@far0 /m);
    }
    await run(['ip', 'netns', 'del', made]);
    await lab.within(plain, 'ip', 'link', 'del', 'eth0');
    t.deepEqual(differences(machine.before, await machine.look()), []);
  }),
);

test.serial('namespaces of processes, alive and ended', (t) =>
  onMachine(t, async (machine) => {
    const node = openLabNode(machine.lab);
    const sleepers = [1, 2].map(() => start(t, '', ['unshare', '-n', 'sleep', '60']));
    const [alive, ended] = sleepers;
    await new Promise((resolve) => setTimeout(resolve, 300));
    try {
      for (const { pid } of sleepers) await attach(node, { ns: String(pid) });
    } finally {
      node.close();
    }
    await ended?.stop();
    await expectNothingLeft(t, machine, 'one process ended');
    const inside = ['nsenter', '-t', String(alive?.pid), '-n', 'ip', '-j', 'link', 'show'];
    const links = JSON.parse((await run(inside)).stdout) as { ifname: string; flags: string[] }[];
    t.deepEqual(
      links.map(({ ifname }) => ifname).filter((name) => !/^(lo|sit0)$/.test(name)),
      [],
    );
    t.false(links[0]?.flags.includes('UP'), 'its loopback is down again');
  }),
);

test.serial('a shell that stands in the directory of the pins', (t) =>
  onMachine(t, async (machine) => {
    await fill(machine);
    const dir = join(machine.lab.root, BPF);
    const shell = start(t, '', ['sh', '-c', 'cd "$1" && echo there && exec sleep 60', 'sh', dir]);
    await shell.says(/there/);
    await expectNothingLeft(t, machine, 'in the way', async () => {
      const { code, stderr } = await reset(machine);
      t.is(code, 0, stderr);
      t.deepEqual(differences(machine.before, await machine.look()), [], 'while it stands there');
      await shell.stop();
    });
  }),
);

/** dpctl in a mount namespace without the directory of nft. */
function withoutNft({ lab }: Machine, ...args: string[]): Promise<Ran> {
  const hide = 'mount -t tmpfs none /usr/sbin && exec "$@"';
  return lab.inside(lab.node, [
    ...['unshare', '-m', 'sh', '-c', hide, 'sh'],
    ...[process.execPath, DPCTL, '--root', lab.root, ...args],
  ]);
}

test.serial('a machine without nft, where nothing is masqueraded', (t) =>
  onMachine(t, async (machine) => {
    const { plain } = machine;
    for (const args of [['attach', plain], ['reconcile'], ['status'], ['detach', plain]]) {
      const { code, stderr } = await withoutNft(machine, ...args);
      t.is(code, 0, `${args[0]}: ${stderr}`);
    }
    await machine.lab.must('attach', plain);
    await expectNothingLeft(t, machine, 'without nft', async () => {
      const { code, stderr } = await withoutNft(machine, 'reset', '--yes');
      t.is(code, 0, stderr);
    });
  }),
);

test.serial('a machine from which nft was removed, where something is masqueraded', (t) =>
  onMachine(t, async (machine) => {
    await fill(machine);
    const { code, stderr } = await withoutNft(machine, 'reset', '--yes');
    t.is(code, 2);
    t.regex(stderr, /^error\[RESET_INCOMPLETE\]: .*the program "nft" is not installed/m);
    const left = differences(machine.before, await machine.look());
    t.deepEqual(
      left.filter((line) => !/^\+ (nft|files|mounts): /.test(line)),
      [],
    );
    await expectNothingLeft(t, machine, 'with nft again');
  }),
);

for (const kind of ['reset', 'dismantle']) {
  test.serial(`a reset that is killed or fails, at each ${kind} step, and is repeated`, (t) =>
    onMachine(t, async (machine) => {
      const { lab, made } = machine;
      for (let step = 0; ; step++) {
        const node = openLabNode(lab);
        try {
          const subnets = ['10.66.0.0/24'];
          await networkAdd(node, { name: 'lan', subnets, gateway: true, masquerade: true });
          await attach(node, { ns: machine.adopted, network: 'lan' });
          await attach(node, { ns: made, create: true });
        } finally {
          node.close();
        }
        const point = `${kind}.${step}`;
        const variable = step % 2 === 0 ? 'DPCTL_FAULT' : 'DPCTL_FAULT_ERROR';
        const { code, stdout, stderr } = await reset(machine, { [variable]: point });
        if (code === 0) {
          t.true(step > 5, `${step} steps`);
          break;
        }
        t.is(stdout, '');
        if (variable === 'DPCTL_FAULT') t.is(code, 255, `killed at ${point}: ${stderr}`);
        else
          t.regex(
            stderr,
            /^error\[RESET_INCOMPLETE\]: some things could not be removed: asked to fail/m,
          );
        // Killed when only empty directories were left: nothing shows whose they are.
        if (!['run/dpctl', 'var/lib/dpctl'].some((dir) => existsSync(join(lab.root, dir))))
          continue;
        await expectNothingLeft(t, machine, `${variable} at ${point}, and repeated`);
      }
      t.deepEqual(differences(machine.before, await machine.look()), []);
    }),
  );
}
