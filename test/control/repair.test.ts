/** Manual changes of a node, and how reconcile repairs them. */
import test, { type ExecutionContext } from 'ava';
import { differences, takeSnapshot } from '../helpers/snapshot.js';
import { type Lab, openLab, type Ran, run } from '../system/helpers/lab.js';

/** Two endpoints that reach each other. */
interface Pair {
  readonly lab: Lab;
  readonly one: string;
  readonly two: string;
}

async function onPair(t: ExecutionContext, use: (pair: Pair) => Promise<unknown>): Promise<void> {
  t.timeout(120_000);
  const lab = await openLab();
  try {
    const [one, two] = [await lab.container('a'), await lab.container('b')];
    await lab.must('attach', one);
    await lab.must('attach', two);
    await use({ lab, one, two });
  } finally {
    await lab.close();
  }
}

const ping = (lab: Lab, ns: string, address: string): Promise<Ran> =>
  lab.inside(ns, ['ping', '-c', '1', '-W', '1', address]);

async function repairs(t: ExecutionContext, { lab, one }: Pair): Promise<void> {
  t.is((await lab.dpctl(['status'])).code, 4, 'status sees it');
  await lab.must('reconcile');
  const status = await lab.dpctl(['status']);
  t.is(status.code, 0, status.stdout);
  for (const address of ['10.201.0.3', 'fd00:c9::3']) {
    t.is((await ping(lab, one, address)).code, 0, address);
  }
}

test.serial('a renamed interface gets its name back', (t) =>
  onPair(t, async (pair) => {
    await pair.lab.within(pair.one, 'ip', 'link', 'set', 'eth0', 'down');
    await pair.lab.within(pair.one, 'ip', 'link', 'set', 'eth0', 'name', 'eth9');
    await repairs(t, pair);
    const links = await pair.lab.within(pair.one, 'ip', '-br', 'link');
    t.false(links.includes('eth9'), links);
  }),
);

test.serial('an interface moved to another namespace is recreated', (t) =>
  onPair(t, async (pair) => {
    const away = await pair.lab.container('c');
    await pair.lab.within(pair.one, 'ip', 'link', 'set', 'eth0', 'netns', away);
    await repairs(t, pair);
    t.false((await pair.lab.within(away, 'ip', '-br', 'link')).includes('eth0'));
  }),
);

test.serial('a deleted namespace does not hide other differences', (t) =>
  onPair(t, async (pair) => {
    const { lab, one, two } = pair;
    const third = await lab.container('c');
    await lab.must('attach', third);
    const codes = async (): Promise<string[]> => {
      const { stdout } = await lab.dpctl(['status', '-o', 'json']);
      const { problems } = JSON.parse(stdout) as { problems: { code: string; subject: string }[] };
      return problems.map(({ code, subject }) => `${code} ${subject}`);
    };
    await run(['ip', 'netns', 'del', third]);
    // The kernel removes the devices of a deleted namespace with a delay.
    for (let look = 0; look < 100; look++) {
      if (!(await lab.within(lab.node, 'ip', '-br', 'link')).includes('dp000003')) break;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    t.deepEqual(await codes(), [`NAMESPACE_GONE ${third}/eth0`]);
    await lab.within(two, 'ip', 'addr', 'del', '10.201.0.3/16', 'dev', 'eth0');
    t.deepEqual(await codes(), [`NAMESPACE_GONE ${third}/eth0`, `DRIFT ${two}/eth0`]);
    await repairs(t, { lab, one, two });
  }),
);

test.serial('a renamed host end keeps forwarding, is reported, and can be detached', (t) =>
  onPair(t, async ({ lab, one }) => {
    await lab.within(lab.node, 'ip', 'link', 'set', 'dp000001', 'name', 'mine');
    const status = await lab.dpctl(['status']);
    t.is(status.code, 4, status.stdout);
    t.regex(status.stdout, /host\.set name dp000001/);
    t.is((await ping(lab, one, '10.201.0.3')).code, 0);
    await lab.must('detach', one);
    t.false((await lab.within(lab.node, 'ip', '-br', 'link')).includes('mine'));
  }),
);

test.serial('a reused ifindex is not mistaken for the device', (t) =>
  onPair(t, async (pair) => {
    const { lab } = pair;
    await lab.within(lab.node, 'ip', 'link', 'del', 'dp000001');
    const theirs = [
      'link',
      'add',
      'theirs',
      'index',
      '2',
      'type',
      'veth',
      'peer',
      'name',
      'other',
      'index',
      '50',
    ];
    await lab.within(lab.node, 'ip', ...theirs);
    await repairs(t, pair);
    t.true((await lab.within(lab.node, 'ip', '-br', 'link')).includes('theirs'));
  }),
);

test.serial('addresses, settings and states are restored', (t) =>
  onPair(t, async (pair) => {
    const { lab, one } = pair;
    const before = await takeSnapshot(lab, [one]);
    await lab.within(one, 'ip', 'addr', 'flush', 'dev', 'eth0', 'scope', 'global');
    await lab.within(one, 'ip', 'link', 'set', 'eth0', 'down', 'mtu', '1300');
    await lab.within(one, 'ip', 'link', 'set', 'eth0', 'address', '02:00:00:00:00:aa');
    await lab.within(
      lab.node,
      'ip',
      'link',
      'set',
      'dp000001',
      'down',
      'alias',
      'x',
      'mtu',
      '1300',
    );
    await repairs(t, pair);
    t.deepEqual(differences(before, await takeSnapshot(lab, [one])), []);
  }),
);

test.serial('settings that others made inside stay through every change', (t) =>
  onPair(t, async ({ lab, one }) => {
    await lab.within(one, 'ip', 'addr', 'add', '10.201.7.7/16', 'dev', 'eth0');
    await lab.within(one, 'ip', 'addr', 'add', 'fd00:c9::7:7/64', 'dev', 'eth0');
    await lab.within(one, 'ip', 'route', 'add', '192.0.2.0/24', 'via', '10.201.0.3');
    await lab.must('reconcile');
    await lab.must('attach', one, '--ip', '10.201.0.99', '--ip', 'fd00:c9::99');
    const addresses = await lab.within(one, 'ip', '-br', 'addr', 'show', 'eth0');
    for (const address of ['10.201.7.7/16', 'fd00:c9::7:7/64', '10.201.0.99/16']) {
      t.true(addresses.includes(address), addresses);
    }
    t.false(addresses.includes('10.201.0.2/16'), addresses);
    t.regex(await lab.within(one, 'ip', 'route'), /192\.0\.2\.0\/24 via 10\.201\.0\.3/);
    t.is((await lab.dpctl(['status'])).code, 0);
  }),
);

test.serial(
  'each endpoint of a namespace has its default route, behind the one of the owner',
  (t) =>
    onPair(t, async ({ lab }) => {
      const ns = await lab.container('c');
      await lab.within(ns, 'ip', 'link', 'set', 'lo', 'up');
      await lab.within(ns, 'ip', 'route', 'add', 'default', 'dev', 'lo');
      for (const number of [1, 2]) {
        const subnet = `10.9${number}.0.0/24`;
        await lab.must('network', 'add', `n${number}`, '--subnet', subnet, '--gateway');
        await lab.must('attach', ns, '--network', `n${number}`, '--ifname', `eth${number}`);
      }
      t.is((await lab.dpctl(['status'])).code, 0);
      await lab.must('detach', ns, '--ifname', 'eth1');
      t.is((await lab.dpctl(['status'])).code, 0);
      const routes = (await lab.within(ns, 'ip', 'route', 'show', 'default')).trim().split('\n');
      t.is(routes[0]?.trim(), 'default dev lo scope link');
      t.regex(routes[1] ?? '', /^default via 10\.92\.0\.1 dev eth2/);
      t.is(routes.length, 2);
    }),
);

test.serial('the loopback goes down with the last endpoint, whichever that is', (t) =>
  onPair(t, async ({ lab, one }) => {
    const isUp = async (): Promise<boolean> =>
      (await lab.within(one, 'ip', 'link', 'show', 'lo')).includes('LOOPBACK,UP');
    await lab.must('attach', one, '--ifname', 'eth1');
    await lab.must('detach', one, '--ifname', 'eth0');
    t.true(await isUp());
    await lab.must('detach', one, '--ifname', 'eth1');
    t.false(await isUp());
  }),
);

test.serial(
  'a namespace with IPv6 off gets it on the interface that needs it, and there only',
  (t) =>
    onPair(t, async ({ lab }) => {
      const ns = await lab.container('c');
      for (const which of ['all', 'default']) {
        await lab.within(ns, 'sysctl', '-qw', `net.ipv6.conf.${which}.disable_ipv6=1`);
      }
      await lab.must('attach', ns);
      t.is((await ping(lab, ns, 'fd00:c9::3')).code, 0);
      t.is((await lab.within(ns, 'sysctl', '-n', 'net.ipv6.conf.lo.disable_ipv6')).trim(), '1');
    }),
);

test.serial("a learned MAC that becomes an endpoint's own no longer counts as learned", (t) =>
  onPair(t, async ({ lab, two }) => {
    const [open, owner] = [await lab.container('c'), await lab.container('d')];
    await lab.must('attach', open, '--no-lock');
    await lab.within(open, 'ip', 'link', 'set', 'eth0', 'address', '02:00:00:00:00:07');
    await ping(lab, open, '10.201.0.3');
    const learned = await takeSnapshot(lab, [two]);
    t.is(learned['table learned']?.length, 1);
    await lab.must('attach', owner, '--mac', '02:00:00:00:00:07');
    t.deepEqual((await takeSnapshot(lab, [two]))['table learned'], []);
  }),
);

test.serial('parameters of single devices survive that of all', (t) =>
  onPair(t, async ({ lab, one }) => {
    for (const family of ['ipv4', 'ipv6']) {
      await lab.within(lab.node, 'sysctl', '-qw', `net.${family}.conf.dp000001.forwarding=1`);
    }
    const before = await takeSnapshot(lab, [one]);
    const add = ['network', 'add', 'lan', '--subnet', '10.67.0.0/24', '--subnet', 'fd67::/64'];
    const failed = await lab.dpctl([...add, '--gateway'], { env: { DPCTL_FAULT_ERROR: 'step.4' } });
    t.is(failed.code, 2, failed.stderr);
    t.deepEqual(differences(before, await takeSnapshot(lab, [one])), []);
    await lab.must(...add, '--gateway');
    await lab.must('network', 'del', 'lan');
    t.deepEqual(differences(before, await takeSnapshot(lab, [one])), []);
  }),
);

test.serial('an endpoint that cannot be repaired is reported with a remedy', (t) =>
  onPair(t, async ({ lab, one, two }) => {
    // A command was killed, and then the interface name was taken by another device.
    await lab.must('detach', one);
    await lab.dpctl(['attach', one], { env: { DPCTL_FAULT: 'step.0' } });
    await lab.within(one, 'ip', 'link', 'add', 'eth0', 'type', 'bridge');
    const next = await lab.dpctl(['attach', two, '--ifname', 'eth1']);
    t.is(next.code, 2);
    t.regex(next.stderr, /error\[ENDPOINTS_FAILED\]/);
    t.regex(next.stderr, new RegExp(`^try: .*; or dpctl detach ${one}`, 'm'));
    await lab.must('detach', one);
    await lab.must('attach', two, '--ifname', 'eth1');
    t.is((await lab.dpctl(['status'])).code, 0);
  }),
);
