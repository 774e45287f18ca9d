/** What users of a Linux bridge expect of a segment: each test runs on a bridge, too. */
import { existsSync } from 'node:fs';
import test from 'ava';
import { command, linkKind, testRequiring } from '../helpers/requirements.js';
import { arp, BROADCAST, eth, TYPE } from '../packet/helpers/frame.js';
import { ADVERT, advert, groupMac, macOption, TARGET_MAC } from '../packet/helpers/nd.js';
import { pings, tcpBothWays, udpEcho } from './helpers/conversation.js';
import { type Lab, openLab } from './helpers/lab.js';
import { eventually } from './helpers/process.js';
import { addressesOf, type Kind, openSegment, type Station } from './helpers/segment.js';
import { sendFrame } from './helpers/wire.js';

const KINDS: readonly Kind[] = ['dpctl', 'bridge'];
const withBridge = testRequiring(linkKind('bridge'));

let lab: Lab;
test.beforeEach(async () => {
  lab = await openLab();
});
test.afterEach.always(() => lab.close());

/** The addresses inside, once duplicate address detection has finished. */
async function settled(ns: string, address: string): Promise<string> {
  let found = '';
  await eventually(async () => {
    found = await lab.within(ns, 'ip', '-6', 'addr', 'show', 'to', address, 'dev', 'eth0');
    return /dadfailed/.test(found) || (found !== '' && !/tentative/.test(found));
  });
  return found;
}

for (const kind of KINDS) {
  withBridge.serial(`${kind}: an IPv6 address that is taken is found out`, async (t) => {
    const segment = await openSegment(lab, kind, 'one');
    const a = await segment.join(await lab.container('a'), { number: 2 });
    await segment.join(await lab.container('b'), { number: 3 });
    const keys = ['all', 'eth0'].map((name) => `net.ipv6.conf.${name}.accept_dad=1`);
    await lab.within(a.ns, 'sysctl', '-q', '-w', ...keys);
    for (const enhanced of [1, 0]) {
      const nonces = `net.ipv6.conf.eth0.enhanced_dad=${enhanced}`;
      await lab.within(a.ns, 'sysctl', '-q', '-w', 'net.ipv6.conf.all.enhanced_dad=0', nonces);
      const { ip6 } = addressesOf(3);
      await lab.within(a.ns, 'ip', 'addr', 'add', `${ip6}/64`, 'dev', 'eth0');
      t.regex(await settled(a.ns, ip6), /dadfailed/, `nonces: ${enhanced}`);
      await lab.within(a.ns, 'ip', 'addr', 'del', `${ip6}/64`, 'dev', 'eth0');
    }
    await lab.within(a.ns, 'ip', 'addr', 'add', 'fd09::77/64', 'dev', 'eth0');
    t.notRegex(await settled(a.ns, 'fd09::77'), /dadfailed/, 'nobody has it');
  });

  withBridge.serial(`${kind}: a static MAC may speak behind a locked port`, async (t) => {
    const machine = '02:00:00:00:aa:01';
    const stranger = '02:00:00:00:aa:02';
    const { ip4, ip6 } = addressesOf(0x20);
    const segment = await openSegment(lab, kind, 'one');
    const options = ['--allow-prefix', `${ip4}/32`, '--allow-prefix', `${ip6}/128`];
    const a = await segment.join(await lab.container('a'), { number: 2, options });
    await segment.join(await lab.container('b'), { number: 3 });
    const inner = await lab.container('m');
    const inside = (...argv: string[]) => lab.within(inner, 'ip', ...argv);
    const around = (...argv: string[]) => lab.within(a.ns, 'ip', ...argv);
    await around('link', 'add', 'lan', 'address', a.mac, 'type', 'bridge');
    await around('link', 'add', 'in0', 'type', 'veth', 'peer', 'name', 'mv', 'netns', inner);
    for (const port of ['eth0', 'in0']) await around('link', 'set', port, 'master', 'lan', 'up');
    await around('link', 'set', 'lan', 'up');
    await around('addr', 'flush', 'dev', 'eth0');
    await around('addr', 'add', `${addressesOf(2).ip4}/24`, 'dev', 'lan');
    await around('addr', 'add', `${addressesOf(2).ip6}/64`, 'dev', 'lan', 'nodad');
    await inside('link', 'set', 'mv', 'address', machine, 'up');
    await inside('addr', 'add', `${ip4}/24`, 'dev', 'mv');
    await inside('addr', 'add', `${ip6}/64`, 'dev', 'mv', 'nodad');
    if (kind === 'dpctl') {
      await lab.must('fdb', 'add', machine, a.ns, '--network', 'one');
    } else {
      const bridge = (...argv: string[]) => lab.within(lab.node, 'bridge', ...argv);
      await bridge('link', 'set', 'dev', a.port, 'locked', 'on', 'learning', 'off');
      for (const mac of [a.mac, machine]) {
        await bridge('fdb', 'replace', mac, 'dev', a.port, 'master', 'static');
      }
    }
    const to = addressesOf(3);
    for (const ns of [a.ns, inner]) {
      t.true(await pings(ns, to.ip4), `${ns} IPv4`);
      t.true(await pings(ns, to.ip6), `${ns} IPv6`);
    }
    await inside('link', 'set', 'mv', 'down');
    await inside('link', 'set', 'mv', 'address', stranger, 'up');
    t.false(await pings(inner, to.ip4, '-c', '1'), 'another MAC may not');
  });

  withBridge.serial(`${kind}: bridges inside two containers find their loop`, async (t) => {
    const containers = [await lab.container('a'), await lab.container('b')];
    for (const name of ['one', 'two']) {
      const segment = await openSegment(lab, kind, name, { bare: true });
      for (const [at, ns] of containers.entries()) {
        await segment.join(ns, { number: 2 + at, ifname: name, options: ['--no-lock'] });
      }
    }
    for (const [at, ns] of containers.entries()) {
      const tree = ['stp_state', '1', 'forward_delay', '200', 'hello_time', '100'];
      const priority = ['priority', `${4096 * (at + 1)}`];
      await lab.within(ns, 'sysctl', '-q', '-w', 'net.ipv6.conf.all.disable_ipv6=1');
      await lab.within(ns, 'ip', 'link', 'add', 'lan', 'type', 'bridge', ...tree, ...priority);
      for (const port of ['one', 'two']) {
        await lab.within(ns, 'ip', 'link', 'set', port, 'master', 'lan', 'up');
      }
      await lab.within(ns, 'ip', 'link', 'set', 'lan', 'up');
    }
    const blocked = async (ns: string) =>
      /state blocking/.test(await lab.within(ns, 'ip', '-d', 'link', 'show', 'master', 'lan'));
    const [first = '', second = ''] = containers;
    t.true(await eventually(() => blocked(second)), 'the one that is not the root blocks a port');
    t.false(await blocked(first));
  });

  withBridge.serial(`${kind}: an address that moves is found where it is`, async (t) => {
    const { ip4, ip6 } = addressesOf(2);
    const segment = await openSegment(lab, kind, 'one');
    const options = ['--allow-prefix', `${ip4}/32`, '--allow-prefix', `${ip6}/128`];
    const a = await segment.join(await lab.container('a'), { number: 2 });
    const b = await segment.join(await lab.container('b'), { number: 3, options });
    const c = await segment.join(await lab.container('c'), { number: 4 });
    const reach = async (what: string) => {
      for (const address of [ip4, ip6]) t.true(await pings(c.ns, address), `${what}: ${address}`);
    };
    const forget = () => lab.within(c.ns, 'ip', 'neigh', 'flush', 'dev', 'eth0');
    await reach('where it was');
    await move(a, b, 2);
    await reach('after it was announced');
    await forget();
    await reach('asked again');
    await segment.join(await lab.container('d'), { number: 5 });
    await forget();
    await reach('after a change of the network');
    await move(b, a, 2);
    await forget();
    await reach('back');
  });
}

const withServices = testRequiring(linkKind('bridge'), command('nft'), brNetfilter());

for (const kind of KINDS) {
  withServices.serial(`${kind}: a service on the host with a backend on the segment`, async (t) => {
    const calls = ['ip', 'ip6'].map((family) => `net.bridge.bridge-nf-call-${family}tables=1`);
    await lab.inside(lab.node, ['sysctl', '-q', '-w', ...calls]);
    const segment = await openSegment(lab, kind, 'one', { gateway: true });
    const client = await segment.join(await lab.container('a'), { number: 2 });
    const backend = await segment.join(await lab.container('b'), { number: 3 });
    const { ip4, ip6 } = addressesOf(3);
    const to = (family: string, service: string, address: string) =>
      `${family} daddr ${service} meta l4proto { tcp, udp, icmp, ipv6-icmp } dnat ${family} to ${address};`;
    const rules = [to('ip', '10.96.0.7', ip4), to('ip6', 'fd96::7', ip6)].join(' ');
    const chain = `chain p { type nat hook prerouting priority -100; ${rules} }`;
    const stdin = Buffer.from(`table inet service { ${chain}; }`);
    t.is((await lab.inside(lab.node, ['nft', '-f', '-'], { stdin })).stderr, '');
    for (const service of ['10.96.0.7', 'fd96::7']) {
      t.true(await pings(client.ns, service), `${service} is pinged`);
      t.true(await tcpBothWays(t, client.ns, backend.ns, service, 1 << 20), service);
      // The last one is fragmented.
      t.deepEqual(await udpEcho(t, client.ns, backend.ns, service, [10, 1200, 4000]), [], service);
    }
    t.true(await pings(client.ns, ip4), 'straight');
    t.true(await tcpBothWays(t, client.ns, backend.ns, ip6, 1 << 20), 'straight');
  });
}

/** A bridge passes its frames to netfilter. */
function brNetfilter() {
  return () =>
    existsSync('/proc/sys/net/bridge/bridge-nf-call-iptables')
      ? undefined
      : 'needs the module br_netfilter';
}

/** The addresses of a number move from one container to another, which announces them. */
async function move(from: Station, to: Station, number: number): Promise<void> {
  const { ip4, ip6 } = addressesOf(number);
  await lab.within(from.ns, 'ip', 'addr', 'del', `${ip4}/24`, 'dev', from.ifname);
  await lab.within(from.ns, 'ip', 'addr', 'del', `${ip6}/64`, 'dev', from.ifname);
  await lab.within(to.ns, 'ip', 'addr', 'add', `${ip4}/24`, 'dev', to.ifname);
  await lab.within(to.ns, 'ip', 'addr', 'add', `${ip6}/64`, 'dev', to.ifname, 'nodad');
  const senderMac = to.mac;
  const announced = arp({ senderMac, sender: ip4, target: ip4 });
  await sendFrame(to.ns, eth(BROADCAST, to.mac, TYPE.arp, announced));
  const all = 'ff02::1';
  const option = macOption(TARGET_MAC, to.mac);
  const advertised = advert(ip6, ip6, all, ADVERT.override, option);
  await sendFrame(to.ns, eth(groupMac(all), to.mac, TYPE.ip6, advertised));
}
