/** sysctl.set: host parameters that gateways need. */
import { sysctlSet as setSysctl, sysctlFind } from '../../linux/sysctl.js';
import type { StepOf, SysctlValue } from '../../model/plan/plan.js';
import type { Node } from '../node/node.js';
import type { StepActions } from './actions.js';

/** Set a parameter, and then restore those of single devices, which the write overwrites. */
export const sysctlSet: StepActions<StepOf<'sysctl.set'>> = {
  execute: (node, { key, value, then }) => set(node, key, value, then),
  undo: (node, { key, was, wasThen }) => set(node, key, was, wasThen),
  describe: ({ key, was, value }) => ({
    subject: key.replaceAll('/', '.'),
    detail: `${was} -> ${value}`,
  }),
};

function set(node: Node, key: string, value: string, then: readonly SysctlValue[] = []): void {
  setSysctl(node.netnsFd(), key, value);
  for (const device of then) {
    // A device that is gone has no parameters to restore.
    if (sysctlFind(node.netnsFd(), device.key) === undefined) continue;
    setSysctl(node.netnsFd(), device.key, device.value);
  }
}
