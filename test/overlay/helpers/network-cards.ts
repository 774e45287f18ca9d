/**
 * Network cards that tests use instead of veth pairs: DPCTL_TEST_UNDERLAY names them in the order of the
 * hosts, as in eth0,eth1,eth2. Outside of this machine, all of them are connected.
 */
import { UnderlayDecap } from '../../../src/contract/generated.js';
import { sh } from './shell.js';

/** Former settings of a card that a test changes. */
const OFFLOADS = ['tso', 'on', 'gso', 'on', 'gro', 'on'];
const DEFAULTS = 'echo 0 > gro_flush_timeout; echo 0 > napi_defer_hard_irqs';

/** Names of the cards; none on a machine that provides none. */
export const CARDS = (process.env.DPCTL_TEST_UNDERLAY ?? '').split(',').filter((it) => it !== '');

/** Move the card of a host into its namespace, as `device`, without addresses. */
export function lendCard(host: number, ns: string, device: string, mtu: number): void {
  const card = CARDS[host - 1];
  if (card === undefined) throw new Error(`no card for host ${host}: ${CARDS.join(', ')}`);
  sh('', 'ip', 'link', 'set', card, 'netns', ns, 'name', device, 'mtu', `${mtu}`);
}

/** Move it back before its namespace is deleted. */
export function takeCardBack(host: number, ns: string, device: string): void {
  const card = CARDS[host - 1];
  if (card === undefined) return;
  sh(ns, 'ethtool', '-K', device, ...OFFLOADS);
  sh(ns, 'sh', '-c', `cd /sys/class/net/${device}; ${DEFAULTS}`);
  sh('', 'ip', '-n', ns, 'link', 'set', device, 'down');
  sh('', 'ip', '-n', ns, 'link', 'set', device, 'netns', `${process.pid}`, 'name', card);
}

/** The flags of the card for the XDP program in its driver. */
export function cardDecap(ns: string, device: string): number {
  const verifies = /^rx-checksumming: on/m.test(sh(ns, 'ethtool', '-k', device));
  return UnderlayDecap.XDP | (verifies ? UnderlayDecap.VERIFY : 0);
}
