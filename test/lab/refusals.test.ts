/** Impossible requests are refused with a reason and a remedy, and change nothing. */
import test, { type ExecutionContext } from 'ava';
import { dump } from '../../src/observe/dump/dump.js';
import { testRequiring } from '../helpers/requirements.js';
import { pings } from '../system/helpers/conversation.js';
import { putForeign } from '../system/helpers/foreign.js';
import { run } from '../system/helpers/lab.js';
import { start } from '../system/helpers/process.js';
import { addressOf, type Nodes, onNodes } from './helpers/nodes.js';
import { tun } from './helpers/ovs.js';

interface Refusal {
  readonly code: string;
  readonly exit: number;
  readonly message: RegExp;
  readonly hint: RegExp;
}

/** Everything that a command could change, as text; read in this process, as a test does it often. */
async function lookAt(nodes: Nodes): Promise<string> {
  const node = nodes.open('n1');
  try {
    const tables: string[] = [];
    for (const table of ['networks', 'nodes', 'config', 'fdb'] as const) {
      const rows = JSON.stringify([...(await dump(node, table))]);
      tables.push(rows.replaceAll(/"(age|[tr]x_\w+)":\d+/g, ''));
    }
    return [await nodes.within('n1', 'ip', '-d', '-o', 'link'), ...tables].join('\n');
  } finally {
    node.close();
  }
}

async function refused(
  t: ExecutionContext,
  nodes: Nodes,
  argv: readonly string[],
  { code, exit, message, hint }: Refusal,
): Promise<void> {
  const title = argv.join(' ');
  const before = await lookAt(nodes);
  const ran = await nodes.dpctl('n1', [...argv, '-o', 'json']);
  t.deepEqual([ran.code, ran.stdout], [exit, ''], `${title}: ${ran.stderr}`);
  const error = JSON.parse(ran.stderr) as { code: string; msg: string; hint: string };
  t.is(error.code, code, title);
  t.regex(error.msg, message, title);
  t.regex(error.hint, hint, title);
  t.is(await lookAt(nodes), before, `${title}: nothing changes`);
}

testRequiring(tun).serial('a device without an Ethernet header', (t) =>
  onNodes(['--endpoints', '0', '--nodes', '1'], async (nodes) => {
    await nodes.within('n1', 'ip', 'tuntap', 'add', 'dev', 'wg0', 'mode', 'tun');
    await nodes.within('n1', 'ip', 'addr', 'add', '192.0.2.9/24', 'dev', 'wg0');
    await refused(t, nodes, ['underlay', 'set', 'wg0'], {
      code: 'UNDERLAY_UNFIT',
      exit: 1,
      message: /wg0 .* no Ethernet header/,
      hint: /Ethernet device below it/,
    });
  }),
);

test.serial('bad values of nodes and of the underlay', (t) =>
  onNodes(['--endpoints', '1'], async (nodes) => {
    const cases: readonly (readonly [string, Refusal])[] = [
      [
        'underlay set under1',
        { code: 'UNDERLAY_NOT_FOUND', exit: 3, message: /no device "under1"/, hint: /set under0$/ },
      ],
      [
        'underlay set lo',
        {
          code: 'UNDERLAY_UNFIT',
          exit: 1,
          message: /lo cannot be the underlay: it is loopback/,
          hint: /ip -br addr/,
        },
      ],
      [
        'underlay set dp000001',
        { code: 'UNDERLAY_UNFIT', exit: 1, message: /it belongs to an endpoint/, hint: /ip -br/ },
      ],
      [
        'underlay set dpr0',
        {
          code: 'UNDERLAY_UNFIT',
          exit: 1,
          message: /device of the overlay itself/,
          hint: /ip -br/,
        },
      ],
      [
        'underlay set under0 --vtep 192.0.2.9',
        {
          code: 'VTEP_NOT_LOCAL',
          exit: 1,
          message: /192\.0\.2\.9 is not an address of this node/,
          hint: /dpctl underlay set under0 --vtep 172\.31\.210\.1$/,
        },
      ],
      [
        'underlay set under0 --vtep 224.0.0.1',
        { code: 'VTEP_INVALID', exit: 1, message: /it is multicast/, hint: /--vtep 192\.0\.2\.7$/ },
      ],
      [
        'underlay set under0 --vtep 1.2.3',
        { code: 'ADDRESS_INVALID', exit: 1, message: /"1\.2\.3" is not an IP/, hint: /./ },
      ],
      [
        'underlay set under0 --vtep fd00:31::1',
        {
          code: 'VTEP_FAMILY',
          exit: 1,
          message: /node n2 has the IPv4 address 172\.31\.210\.2, and the underlay is IPv6/,
          hint: /./,
        },
      ],
      [
        'underlay set under0 --port 0',
        { code: 'PORT_OUT_OF_RANGE', exit: 1, message: /UDP port 0/, hint: /4789/ },
      ],
      [
        'underlay set under0 --decap fast',
        { code: 'BAD_VALUE', exit: 1, message: /auto, tc, tc-gro, xdp/, hint: /./ },
      ],
      [
        'underlay set under0 --decap tc-gro',
        {
          code: 'DECAP_IMPOSSIBLE',
          exit: 1,
          message: /under0 cannot do --decap tc-gro: GRO is off on the device/,
          hint: /--decap auto, or tc or xdp$/,
        },
      ],
      [
        'node add n3 --vtep 172.31.210.1',
        { code: 'VTEP_IS_NODE', exit: 1, message: /this node's own address/, hint: /node add n3/ },
      ],
      [
        'node add n3 --vtep 172.31.210.2',
        { code: 'VTEP_IN_USE', exit: 1, message: /address of node n2/, hint: /dpctl node del n2/ },
      ],
      [
        'node add n3 --vtep fd00:31::3',
        { code: 'VTEP_FAMILY', exit: 1, message: /IPv6 address fd00:31::3/, hint: /IPV4-ADDRESS/ },
      ],
      [
        'node add n3 --vtep 127.0.0.1',
        { code: 'VTEP_INVALID', exit: 1, message: /it is loopback/, hint: /node add n3 --vtep/ },
      ],
      [
        'node add -x --vtep 192.0.2.3',
        { code: 'USAGE', exit: 1, message: /no flag -x/, hint: /--help/ },
      ],
      [
        'node add a/b --vtep 192.0.2.3',
        { code: 'NODE_NAME_INVALID', exit: 1, message: /"a\/b"/, hint: /node7/ },
      ],
      ['node add n3', { code: 'NODE_NOT_FOUND', exit: 3, message: /no node n3/, hint: /--vtep/ }],
      [
        'fdb add 02:00:00:00:00:05 --node n7 --network net1',
        {
          code: 'NODE_NOT_FOUND',
          exit: 3,
          message: /no node n7: there is n2/,
          hint: /node add n7/,
        },
      ],
      [
        'fdb add 02:00:00:00:00:05 --network net1',
        {
          code: 'FDB_WHERE',
          exit: 1,
          message: /either an endpoint or another node/,
          hint: /--node/,
        },
      ],
      [
        'fdb add 02:00:00:00:00:05 --node n2 --network net1 --ip 10.210.1.1',
        { code: 'ADDRESS_IN_USE', exit: 1, message: /belongs to endpoint/, hint: /dump neigh/ },
      ],
      [
        'fdb add 0a:58:0a:d2:01:01 --node n2 --network net1',
        { code: 'MAC_IN_USE', exit: 1, message: /is the MAC of endpoint/, hint: /dump fdb/ },
      ],
      [
        'network add net1 --range 10.211.0.0/24',
        {
          code: 'RANGE_INVALID',
          exit: 1,
          message: /not inside 10\.210\.0\.0\/16/,
          hint: /--range/,
        },
      ],
    ];
    for (const [line, refusal] of cases) await refused(t, nodes, line.split(' '), refusal);
    t.true(await pings(nodes.ns('n1e1'), addressOf(2, 1)), 'and all goes on');
    const none = await nodes.must('n1', 'node', 'del', 'n7');
    t.is(none.stderr, 'unchanged: there is no node n7');
  }),
);

test.serial('a UDP port in use is refused with the name of its process', (t) =>
  onNodes(['--endpoints', '1'], async (nodes) => {
    const script = `const s=require('dgram').createSocket('udp4');s.bind(Number(process.argv[1]),process.argv[2],()=>console.log('bound'))`;
    const bind = async (port: number, address: string) => {
      const holder = start(t, nodes.ns('n1'), [process.execPath, '-e', script, `${port}`, address]);
      await holder.says(/bound/);
      return holder;
    };
    const everywhere = await bind(4790, '0.0.0.0');
    const inUse = (pid: number): Refusal => ({
      code: 'PORT_IN_USE',
      exit: 1,
      message: new RegExp(`^UDP port 4790 belongs to node \\(pid ${pid}\\)$`),
      hint: /dpctl underlay set under0 --port 4789, on every node$/,
    });
    const set = ['underlay', 'set', 'under0', '--port', '4790'];
    const pid = Number((await nodes.within('n1', 'ss', '-ulnp')).match(/:4790 .*pid=(\d+)/)?.[1]);
    await refused(t, nodes, set, inUse(pid));
    await everywhere.stop();
    const elsewhere = await bind(4790, '127.0.0.1');
    await nodes.must('n1', ...set);
    await nodes.must('n2', ...set);
    t.true(await pings(nodes.ns('n1e1'), addressOf(2, 1)), 'a port of another address is free');
    await elsewhere.stop();

    // Status finds one that appears later.
    const later = await bind(4790, '172.31.210.1');
    const shown = await nodes.dpctl('n1', ['status']);
    t.is(shown.code, 4);
    t.regex(shown.stdout, /^problem\[PORT_IN_USE\]: under0: UDP port 4790 belongs to node \(pid/m);
    await later.stop();
    await nodes.must('n1', 'status');
  }),
);

test.serial(
  'VXLAN devices of the kernel: only those with our VNI, or with all VNIs, are refused',
  (t) =>
    onNodes(['--endpoints', '1'], async (nodes) => {
      const vxlan = async (...words: string[]) => {
        const add = ['ip', 'link', 'add', 'vx9', 'type', 'vxlan', ...words];
        await nodes.within('n1', ...add, 'dstport', '4789');
        await nodes.within('n1', 'ip', 'link', 'set', 'vx9', 'up');
      };
      const drop = () => nodes.within('n1', 'ip', 'link', 'del', 'vx9');
      const set = ['underlay', 'set', 'under0'];
      await nodes.must('n1', 'underlay', 'del');

      await vxlan('id', '210', 'local', '172.31.210.1', 'dev', 'under0');
      const taken: Refusal = {
        code: 'VNI_IN_USE',
        exit: 1,
        message: /^VNI 210 of network net1 is also used by the VXLAN device vx9 on port 4789$/,
        hint: /dpctl network add net1 --vni 1, on every node; or ip link del vx9$/,
      };
      await refused(t, nodes, set, taken);
      await drop();

      await vxlan('external');
      await refused(t, nodes, set, {
        code: 'PORT_IN_USE',
        exit: 1,
        message: /^UDP port 4789 belongs to VXLAN device vx9, for every VNI$/,
        hint: /--port 8472/,
      });
      await drop();

      await vxlan('id', '777', 'local', '172.31.210.1', 'dev', 'under0');
      await nodes.must('n1', ...set);
      t.true(await pings(nodes.ns('n1e1'), addressOf(2, 1)));
      await refused(t, nodes, ['network', 'add', 'other', '--vni', '777'], {
        ...taken,
        message: /^VNI 777 of network other is also used by the VXLAN device vx9/,
        hint: /dpctl network add other --vni \d+, on every node/,
      });
      await nodes.must('n1', 'status');

      // Foreign VXLAN packets reach their owner as if dpctl were absent. Those that come later need the
      // port to be free: then only TC can be used.
      await nodes.must('n2', ...set, '--decap', 'tc');
      await nodes.within('n1', 'ip', 'addr', 'add', '10.99.0.1/24', 'dev', 'vx9');
      for (const line of [
        'link add vx9 type vxlan id 777 local 172.31.210.22 dstport 4789 dev under0',
        'addr add 172.31.210.22/24 dev under0',
        'link set vx9 up',
        'addr add 10.99.0.2/24 dev vx9',
      ]) {
        await run(['ip', '-n', nodes.ns('n2'), ...line.split(' ')]);
      }
      const bridge = ['bridge', 'fdb', 'append', '00:00:00:00:00:00', 'dev', 'vx9', 'dst'];
      await nodes.within('n1', ...bridge, '172.31.210.22');
      await nodes.within('n2', ...bridge, '172.31.210.1');
      t.true(await pings(nodes.ns('n1'), '10.99.0.2'), "the kernel's own VXLAN passes by");
      t.true(await pings(nodes.ns('n1e1'), addressOf(2, 1)));
    }),
);

test.serial('another XDP program, and another root on the same device', (t) =>
  onNodes(['--endpoints', '1', '--underlay', 'wire'], async (nodes) => {
    await nodes.must('n2', 'underlay', 'set', 'under0', '--decap', 'xdp');
    const decap = ['ip', 'netns', 'exec', nodes.ns('n2'), 'bpftool', '-j', 'net', 'show'];
    const { stdout } = await run(decap);
    const id = (JSON.parse(stdout) as [{ xdp: { id: number }[] }])[0].xdp[0]?.id;
    await nodes.within('n1', 'bpftool', 'net', 'attach', 'xdp', 'id', `${id}`, 'dev', 'under0');
    await refused(t, nodes, ['underlay', 'set', 'under0', '--decap', 'xdp'], {
      code: 'DECAP_IMPOSSIBLE',
      exit: 1,
      message: /under0 cannot do --decap xdp: the device runs another XDP program \(decap\)$/,
      hint: /--decap auto, or tc or tc-gro$/,
    });
    await nodes.within('n1', 'bpftool', 'net', 'detach', 'xdp', 'dev', 'under0');

    // A filter of another program is no error, but gets a note.
    const index = await nodes.within('n1', 'cat', '/sys/class/net/under0/ifindex');
    const place = { preference: 7 };
    const { seen } = putForeign(t, { node: nodes.ns('n1') }, Number(index), 'watch', place);
    const set = await nodes.must('n1', 'underlay', 'set', 'under0', '--decap', 'tc');
    t.regex(set.stderr, /^note: under0 has a filter of another program \(bpf pref 7, clsact ing/m);
    type ProgramRow = { ifname: string; ns: string; owner: string; name: string; hook: string };
    const programs = await nodes.json<ProgramRow[]>('n1', 'dump', 'progs');
    t.deepEqual(
      programs
        .filter(({ ns }) => ns === '')
        .map(({ ifname, hook, owner, name }) => [ifname, hook, owner, name].join(' ')),
      [
        'dpr0 tcx dpctl replicate',
        'under0 tcx dpctl underlay',
        'under0 clsact ingress other bpf pref 7',
      ],
    );
    await nodes.within('n1', 'ping', '-c', '1', '-W', '1', '172.31.210.2');
    const before = seen();
    t.true(before > 0, "it sees the host's own packets");
    t.true(await pings(nodes.ns('n1e1'), addressOf(2, 1)));
    t.is(seen(), before, 'and none that dpctl takes');

    const other = ['--root', `${nodes.root}/other`, 'underlay', 'set', 'under0'];
    const ran = await nodes.dpctl('n1', other);
    t.is(ran.code, 1, ran.stderr);
    t.regex(ran.stderr, /^error\[UNDERLAY_IN_USE\]: under0 is the underlay of another dpctl root/);
    await nodes.dpctl('n1', ['--root', `${nodes.root}/other`, 'reset', '--yes']);
    t.true(await pings(nodes.ns('n1e1'), addressOf(2, 1)));
    await nodes.must('n1', 'status');
  }),
);
