/** A node with IPv6 addresses from router advertisements keeps them when it forwards. */
import test, { type ExecutionContext } from 'ava';
import {
  checksum,
  eth,
  ip,
  ip6,
  join,
  linkLocal,
  PROTO,
  TYPE,
  u16,
  u32,
} from '../packet/helpers/frame.js';
import { type Lab, openLab } from './helpers/lab.js';
import { eventually } from './helpers/process.js';
import { sendFrame } from './helpers/wire.js';

const ROUTER = '02:00:00:00:00:fe';

/** A router advertisement with a default route and a prefix for addresses (RFC 4861, 4.2). */
function advertisement(): Uint8Array {
  const [src, dst] = [linkLocal(ROUTER), 'ff02::1'];
  const head = [u16(64 << 8), u16(1800), u32(0), u32(0)];
  const prefix = [[3, 4, 64, 0xc0], u32(3600), u32(1800), u32(0), ip('2001:db8:5::')];
  const body = join(...head, ...prefix);
  const message = (sum: number) => join([134, 0], u16(sum), body);
  const pseudo = join(ip(src), ip(dst), u32(message(0).length), u32(PROTO.icmp6));
  const sum = checksum(join(pseudo, message(0)));
  const packet = ip6({ src, dst, next: PROTO.icmp6, hops: 255 }, message(sum));
  return eth('33:33:00:00:00:01', ROUTER, TYPE.ip6, packet);
}

/** A node with an interface on which a router has advertised itself. */
async function onAdvertised(t: ExecutionContext, use: (lab: Lab) => Promise<void>): Promise<void> {
  t.timeout(120_000);
  const lab = await openLab();
  try {
    const router = await lab.container('r');
    const veth = ['w0', 'type', 'veth', 'peer', 'name', 'eth0', 'netns', router];
    await lab.within(lab.node, 'ip', 'link', 'add', ...veth);
    await lab.within(router, 'ip', 'link', 'set', 'eth0', 'up');
    const values = ['all.forwarding=0', 'w0.accept_ra=1', 'w0.accept_dad=0'];
    const settings = values.map((value) => `net.ipv6.conf.${value}`);
    await lab.within(lab.node, 'sysctl', '-qw', ...settings);
    await lab.within(lab.node, 'ip', 'link', 'set', 'w0', 'up');
    const advertised = async () => {
      await sendFrame(router, advertisement());
      return (await routes(lab)) !== '';
    };
    t.true(await eventually(advertised), 'the node takes advertisements');
    await use(lab);
  } finally {
    await lab.close();
  }
}

function routes(lab: Lab): Promise<string> {
  return lab.within(lab.node, 'ip', '-6', 'route', 'show', 'default', 'dev', 'w0', 'proto', 'ra');
}

async function acceptRa(lab: Lab): Promise<string> {
  return (await lab.within(lab.node, 'sysctl', '-n', 'net.ipv6.conf.w0.accept_ra')).trim();
}

const GATEWAY = ['network', 'add', 'lan', '--subnet', 'fd70::/64', '--gateway'];

test.serial('a gateway leaves the node its default route', (t) =>
  onAdvertised(t, async (lab) => {
    const { stderr } = await lab.must(...GATEWAY);
    t.regex(await routes(lab), /via fe80::/);
    t.regex(stderr, /host sysctl net\.ipv6\.conf\.w0\.accept_ra: 1 -> 2/);
    t.is(await acceptRa(lab), '2');
    t.regex((await lab.must(...GATEWAY)).stderr, / unchanged/);
    await lab.must('network', 'del', 'lan');
    t.is(await acceptRa(lab), '1');
    t.regex(await routes(lab), /via fe80::/);
    await lab.must(...GATEWAY);
    await lab.must('reset', '--yes');
    t.is(await acceptRa(lab), '1');
    t.regex(await routes(lab), /via fe80::/);
  }),
);

test.serial('so does an IPv6 underlay, and both together', (t) =>
  onAdvertised(t, async (lab) => {
    await lab.within(lab.node, 'ip', 'addr', 'add', '2001:db8:9::1/64', 'dev', 'w0', 'nodad');
    await lab.must('underlay', 'set', 'w0', '--vtep', '2001:db8:9::1');
    t.regex(await routes(lab), /via fe80::/);
    await lab.must(...GATEWAY);
    t.regex(await routes(lab), /via fe80::/);
    await lab.must('network', 'del', 'lan');
    t.is(await acceptRa(lab), '2', 'the underlay still needs it');
    t.regex(await routes(lab), /via fe80::/);
    await lab.must('underlay', 'del');
    t.is(await acceptRa(lab), '1');
  }),
);

test.serial('a device that takes no advertisements is left alone', (t) =>
  onAdvertised(t, async (lab) => {
    await lab.within(lab.node, 'sysctl', '-qw', 'net.ipv6.conf.w0.accept_ra=0');
    t.notRegex((await lab.must(...GATEWAY)).stderr, /accept_ra/);
    t.is(await acceptRa(lab), '0');
  }),
);
