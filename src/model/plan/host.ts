/** Steps for what gateways need from the host: forwarding and masquerading. */

import { type Masquerade, wantedMasquerades, wantedSysctls } from '../desired/desired.js';
import { hostRulesText, nftTableName, wantedHostRules } from '../desired/host-rules.js';
import type { State, SysctlChange } from '../state/state.js';
import type { Observed } from './observed.js';
import type { Step, SysctlValue } from './step.js';

/** Set sysctls for gateways, and restore them when the last gateway is gone. */
export function sysctlSteps(after: State, observed: Observed): Step[] {
  const wanted = wantedSysctls(after);
  const advertised = after.sysctls.filter(({ key }) => isAdvertisement(key));
  // Before forwarding is switched on: the kernel drops the routes at that moment.
  const steps: Step[] = advertised
    .filter(({ key, before }) => isNeeded(key, wanted) && observed.sysctls.get(key) === before)
    .map(({ key, before, value }) => ({ op: 'sysctl.set', key, value, was: before }));
  for (const [key, value] of wanted) {
    const was = observed.sysctls.get(key) ?? '';
    if (was === value) continue;
    const wasThen = exceptions(key, was, observed);
    steps.push({ op: 'sysctl.set', key, value, was, ...(wasThen.length > 0 && { wasThen }) });
  }
  const others = after.sysctls.filter(({ key }) => !isAdvertisement(key));
  for (const { key, before, value } of [...others, ...advertised]) {
    // A value that another program has changed since stays.
    if (isShared(key, observed)) continue;
    if (!isNeeded(key, wanted) && observed.sysctls.get(key) === value && before !== value) {
      const then = after.sysctls
        .filter((each) => sysctlOfAll(each.key) === key)
        .map((each) => ({ key: each.key, value: each.before }));
      const undo = { key, value: before, was: value };
      steps.push({ op: 'sysctl.set', ...undo, ...(then.length > 0 && { then }) });
      steps.push(...overwritten(key, before, wanted));
    }
  }
  return steps;
}

/** Another root relies on it: the last root that does restores it. */
function isShared(key: string, { shared = [] }: Observed): boolean {
  return shared.some((each) => each.key === key);
}

/**
 * The sysctl that decides whether a device accepts router advertisements: 1: not while the node forwards, and
 * it loses its default routes from them; 2: also then (rt6_purge_dflt_routers, ipv6_accept_ra in the kernel).
 */
export function advertisementSysctl(device: string): string {
  return `net/ipv6/conf/${device}/accept_ra`;
}

const ADVERTISEMENT = /^net\/ipv6\/conf\/[^/]+\/accept_ra$/;

function isAdvertisement(key: string): boolean {
  return ADVERTISEMENT.test(key);
}

/** When these parameters change to 1, the kernel drops what it learned from advertisements. */
const PURGING = ['net/ipv6/conf/all/forwarding', 'net/ipv6/conf/lo/forwarding'];

/** Whether setting these keys may make the kernel drop routes from advertisements. */
export function isPurging(keys: Iterable<string>): boolean {
  return [...keys].some((key) => PURGING.includes(key));
}

/** What other roots have recorded about a parameter, and about those that it overwrites. */
export function inherited(key: string, { shared = [] }: Observed): SysctlChange[] {
  const own = shared.filter((each) => each.key === key).slice(0, 1);
  if (own.length === 0) return [];
  const others = shared.filter(
    (each) => sysctlOfAll(each.key) === key || (isPurging([key]) && isAdvertisement(each.key)),
  );
  return [...own, ...others];
}

/** Devices that must keep accepting advertisements, as records of their parameters. */
export function keptAdvertisements({ sysctls }: Observed): State['sysctls'] {
  return [...sysctls]
    .filter(([key, value]) => isAdvertisement(key) && value === '1')
    .map(([key, before]) => ({ key, before, value: '2' }));
}

/** Whether a recorded parameter is still needed for those that are wanted. */
export function isNeeded(key: string, wanted: ReadonlyMap<string, string>): boolean {
  if (isAdvertisement(key)) return isPurging(wanted.keys());
  return wanted.has(sysctlOfAll(key) ?? key);
}

/** Devices whose parameter differs from that of all. dpctl itself keeps loopback's. */
export function exceptions(key: string, value: string, { sysctls }: Observed): SysctlValue[] {
  return [...sysctls]
    .filter(([own, of]) => sysctlOfAll(own) === key && of !== value)
    .map(([own, of]) => ({ key: own, value: of }));
}

/** The parameter of all devices that, when written, overwrites one of a single device. */
export function sysctlOfAll(key: string): string | undefined {
  const [, family, device] = /^net\/ipv([46])\/conf\/([^/]+)\/forwarding$/.exec(key) ?? [];
  if (device === undefined || device === 'all' || device === 'lo') return undefined;
  return family === '4' ? 'net/ipv4/ip_forward' : 'net/ipv6/conf/all/forwarding';
}

/** Writing a parameter of all devices writes each device's, including loopback's. */
function overwritten(key: string, value: string, wanted: ReadonlyMap<string, string>): Step[] {
  const own = loopbackOf(key);
  const ours = own === undefined ? undefined : wanted.get(own);
  if (own === undefined || ours === undefined || ours === value) return [];
  return [{ op: 'sysctl.set', key: own, value: ours, was: value }];
}

const FORWARDING: Readonly<Record<string, string>> = {
  'net/ipv4/ip_forward': 'net/ipv4/conf/lo/forwarding',
  'net/ipv6/conf/all/forwarding': 'net/ipv6/conf/lo/forwarding',
};

/** Loopback's own parameter for a parameter of all devices. */
function loopbackOf(key: string): string | undefined {
  return FORWARDING[key];
}

/**
 * The value of a parameter before dpctl changed any: a parameter of all devices may have been changed
 * earlier, and loopback's with it.
 */
export function formerSysctl(state: State, key: string, found: string): string {
  const [all] = Object.entries(FORWARDING).find(([, own]) => own === key) ?? [];
  return state.sysctls.find((change) => change.key === all)?.before ?? found;
}

/** The rules of the host's firewall, all in one transaction. */
export function nftSteps(before: State, after: State, observed: Observed): Step[] {
  const rules = wantedMasquerades(after);
  const host = wantedHostRules(after).rules;
  const name = (rule: Masquerade) => `${rule.network} ${rule.subnet} ${rule.exceptIfname}`;
  const there = observed.masquerades.map(name).sort().join();
  if (rules.map(name).sort().join() === there && observed.hostRules === hostRulesText(host)) {
    return [];
  }
  const wasHost = wantedHostRules(before).rules;
  const table = nftTableName(after.rootId);
  const old = before.rootId === undefined && wantedMasquerades(before).length > 0;
  const replaces = old ? { replaces: nftTableName(undefined) } : {};
  const was = observed.masquerades;
  return [{ op: 'nft.apply', table, ...replaces, rules, host, was, wasHost }];
}
