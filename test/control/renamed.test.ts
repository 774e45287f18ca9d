/** Devices of an endpoint that were renamed, moved or replaced are found and reported. */
import test from 'ava';
import { openLab, run } from '../system/helpers/lab.js';

interface Case {
  readonly title: string;
  /** Shell; $node, $a and $x are namespaces, $h is the host end of a. */
  readonly damage: string;
  /** The problem that status reports; one of these. */
  readonly told: RegExp;
  /** If reconcile cannot repair it: the command that makes room. */
  readonly remedy?: string;
  /** The state that `endpoints` shows. */
  readonly state?: string;
}

const RENAME =
  'ip -n $a link set eth0 down; ip -n $a link set eth0 name lan0; ip -n $a link set lan0 up';
const DECOY = 'ip -n $a link add eth0 type veth peer zz';

const CASES: readonly Case[] = [
  {
    title: 'the host end was renamed',
    damage: 'ip -n $node link set $h down name foo; ip -n $node link set foo up',
    told: /host\.set name dp000001/,
  },
  {
    title: 'the host end was renamed, and a stranger has its name',
    damage:
      'ip -n $node link set $h down name foo; ip -n $node link set foo up; ip -n $node link add $h type veth peer zz',
    told: /INTERFACE_EXISTS.*dp000001/s,
    remedy: 'ip -n $node link del $h',
  },
  {
    title: 'the host end was renamed, and keeps its name beside',
    damage:
      'ip -n $node link set $h down name foo; ip -n $node link set foo up; ip -n $node link property add dev foo altname $h',
    told: /keeps dp000001 as an alternative name/,
    remedy: 'ip -n $node link property del dev foo altname $h',
  },
  {
    title: 'the host end was moved to another namespace',
    damage: 'ip -n $node link set $h netns $x; ip -n $x link set $h up',
    told: /HOST_END_MOVED.*is not on this node/s,
    remedy: 'ip -n $a link del eth0',
  },
  {
    title: 'the interface inside was renamed',
    damage: RENAME,
    told: /pair\.delete/,
  },
  {
    title: 'the interface inside was renamed, and another is called eth0',
    damage: `${RENAME}; ${DECOY}`,
    told: /INTERFACE_EXISTS.*is called lan0 there/s,
    remedy: 'ip -n $a link del eth0',
  },
  {
    title: 'the interface inside was renamed, and keeps its name beside',
    damage: `${RENAME}; ip -n $a link property add dev lan0 altname eth0`,
    told: /is called lan0 there, which keeps eth0 as an alternative name/,
    remedy: 'ip -n $a link property del dev lan0 altname eth0',
  },
  {
    title: 'the interface inside was moved to another namespace',
    damage: 'ip -n $a link set eth0 netns $x; ip -n $x link set eth0 up',
    told: /pair\.delete/,
    state: 'moved',
  },
  {
    title: 'the interface inside was moved to the node',
    damage: 'ip -n $a link set eth0 netns $node; ip -n $node link set eth0 up',
    told: /pair\.delete/,
    state: 'moved',
  },
  {
    title: 'the interface inside was moved, and another has its name and MAC',
    damage: `m=$(ip netns exec $a cat /sys/class/net/eth0/address); ip -n $a link set eth0 netns $x; ${DECOY}; ip -n $a link set eth0 address $m`,
    told: /INTERFACE_EXISTS.*was moved to another namespace/s,
    remedy: 'ip -n $a link del eth0',
  },
  {
    title:
      'the interface inside was moved, and one that leads to the node has its place and its mark',
    damage:
      'al=$(ip netns exec $node cat /sys/class/net/$h/ifalias); ip -n $a link set eth0 netns $x; ip -n $a link add eth0 type veth peer name dq netns $node; ip -n $node link set dq alias "$al"',
    told: /INTERFACE_EXISTS.*was moved to another namespace/s,
    remedy: 'ip -n $a link del eth0',
  },
  {
    title: 'the interface inside was deleted, and another has eth0 as an alternative name',
    damage:
      'ip -n $a link del eth0; ip -n $a link add q type veth peer zz; ip -n $a link property add dev q altname eth0',
    told: /and q has eth0 as an alternative name/,
    remedy: 'ip -n $a link property del dev q altname eth0',
  },
];

test.serial('renamed, moved or replaced devices are reported and repaired', async (t) => {
  t.timeout(CASES.length * 60_000);
  const lab = await openLab();
  try {
    const [a, b, x] = [
      await lab.container('a'),
      await lab.container('b'),
      await lab.container('x'),
    ];
    await lab.must('attach', a);
    await lab.must('attach', b);
    const sh = async (line: string): Promise<void> => {
      const words = `node=${lab.node} a=${a} x=${x} h=dp000001`;
      const { code, stderr } = await run(['sh', '-ec', `${words}; ${line}`]);
      if (code !== 0) throw new Error(`${line}: ${stderr}`);
    };
    const ping = ['ping', '-c', '1', '-W', '2', '10.201.0.2'];
    for (const { title, damage, told, remedy, state } of CASES) {
      await sh(damage);
      const rows = await lab.json<{ state: string }[]>(['endpoints']);
      if (state !== undefined) t.is(rows[0]?.state, state, title);
      const status = await lab.dpctl(['status', '-o', 'json']);
      t.is(status.code, 4, title);
      t.regex(status.stdout, told, title);
      if (remedy !== undefined) {
        const blocked = await lab.dpctl(['reconcile']);
        t.is(blocked.code, 2, `${title}: ${blocked.stderr}`);
        const refused = await lab.dpctl(['attach', a]);
        t.is(refused.code, 1, `${title}: ${refused.stderr}`);
        await sh(remedy);
      }
      await lab.must('reconcile');
      t.is((await lab.dpctl(['status'])).code, 0, title);
      t.is((await lab.inside(b, ping)).code, 0, `${title}: it works again`);
      await sh(
        'for d in zz dq q foo; do ip -n $node link del $d || ip -n $a link del $d || true; done 2>&-',
      );
    }
  } finally {
    await lab.close();
  }
});
