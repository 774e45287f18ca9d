/** Steps for what gateways need of the host: forwarding and masquerading. */
import { type Masquerade, wantedMasquerades, wantedSysctls } from '../desired.js';
import type { Observed } from '../observed.js';
import type { State } from '../state.js';
import type { Step } from './step.js';

/** Sysctls on for gateways, and back to what they were when the last one is gone. */
export function sysctlSteps(after: State, observed: Observed): Step[] {
  const wanted = wantedSysctls(after);
  const steps: Step[] = [];
  for (const [key, value] of wanted) {
    const was = observed.sysctls.get(key) ?? '';
    if (was !== value) steps.push({ op: 'sysctl.set', key, value, was });
  }
  for (const { key, before, value } of after.sysctls) {
    // What somebody else has changed since is theirs to keep.
    if (!wanted.has(key) && observed.sysctls.get(key) === value && before !== value) {
      steps.push({ op: 'sysctl.set', key, value: before, was: value });
    }
  }
  return steps;
}

/** The masquerade rules, all in one transaction. */
export function nftSteps(after: State, observed: Observed): Step[] {
  const rules = wantedMasquerades(after);
  const name = (rule: Masquerade) => `${rule.network} ${rule.subnet} ${rule.exceptIfname}`;
  const there = observed.masquerades.map(name).sort().join();
  return rules.map(name).sort().join() === there
    ? []
    : [{ op: 'nft.apply', rules, was: observed.masquerades }];
}
