import test from 'ava';
import { linkAddVeth } from '../../src/linux/netlink/pair.js';
import { withRtnl } from '../../src/linux/netlink/socket.js';
import { sysctlGet, sysctlPath, sysctlSet } from '../../src/linux/sysctl.js';
import { inside, refusal, withNamespaces } from './helpers/namespaces.js';

const FORWARD = 'net/ipv4/ip_forward';

test('a parameter is set in one namespace only, and its old value comes back', async (t) => {
  await withNamespaces(2, (a, b) => {
    const own = sysctlGet(undefined, FORWARD);
    t.is(sysctlSet(a.fd, FORWARD, '1'), '0');
    t.is(sysctlGet(a.fd, 'net.ipv4.ip_forward'), '1');
    t.is(inside(a, 'cat', '/proc/sys/net/ipv4/ip_forward').trim(), '1');
    t.is(sysctlGet(b.fd, FORWARD), '0');
    t.is(sysctlGet(undefined, FORWARD), own);
    t.is(sysctlSet(a.fd, FORWARD, '0'), '1');
    t.is(sysctlSet(a.fd, FORWARD, '0'), '0');
  });
});

test('a device with a dot in its name is reached by either way to write its key', async (t) => {
  await withNamespaces(1, (a) => {
    withRtnl(a.fd, (rtnl) => linkAddVeth(rtnl, { name: 'h0.5', peer: { name: 'p0' } }));
    t.is(sysctlSet(a.fd, 'net/ipv4/conf/h0.5/forwarding', '1'), '0');
    t.is(sysctlGet(a.fd, 'net.ipv4.conf.h0/5.forwarding'), '1');
    t.is(sysctlGet(a.fd, 'net/ipv4/conf/p0/forwarding'), '0');
  });
});

test('values of several numbers keep their separators', async (t) => {
  await withNamespaces(1, (a) => {
    sysctlSet(a.fd, 'net.ipv4.ip_local_port_range', '20000 30000');
    t.is(sysctlGet(a.fd, 'net.ipv4.ip_local_port_range'), '20000\t30000');
  });
});

test('a missing parameter and a refused value are reported', async (t) => {
  await withNamespaces(1, (a) => {
    const missing = refusal(() => sysctlGet(a.fd, 'net/ipv4/conf/gone/forwarding'));
    t.is(missing.code, 'SYSCTL_NOT_FOUND');
    t.is(missing.exitCode, 2);
    t.regex(missing.message, /\/proc\/sys\/net\/ipv4\/conf\/gone\/forwarding/);
    const refused = refusal(() => sysctlSet(a.fd, FORWARD, 'maybe'));
    t.is(refused.code, 'KERNEL_EINVAL');
    t.regex(refused.message, /write \/proc\/sys\/net\/ipv4\/ip_forward: EINVAL/);
  });
});

test('no key leads out of /proc/sys', (t) => {
  t.is(sysctlPath('net.core.somaxconn'), '/proc/sys/net/core/somaxconn');
  for (const key of ['net/../../self/mem', '../x', '', 'net//x', '/etc/passwd']) {
    t.is(refusal(() => sysctlPath(key)).code, 'SYSCTL_BAD_KEY', key);
  }
});
