/** The errors of reset about what remains: exit 2, never success. */

import { DpctlError, shortageRemedy } from '../../../loader/errors.js';
import { advice, exec, run } from '../../../loader/hint.js';
import { readKeys } from '../change/inspect.js';
import type { Node } from './node.js';

/** All known changes are undone; an unreadable record may have named more. */
export function untold(node: Node, unknown: readonly string[]): DpctlError {
  const values = [...readKeys(node, ['net/ipv4/ip_forward', 'net/ipv6/conf/all/forwarding'])];
  const sysctls = values.map(([key, value]) => `${key.replaceAll('/', '.')}=${value}`);
  node.close();
  return new DpctlError(
    'RESET_INCOMPLETE',
    `everything on record is removed, but ${unknown.join('; ')}: namespaces that dpctl made, adopted interfaces and devices, and sysctls may be as dpctl left them (now ${sysctls.join(', ')})`,
    {
      hint: advice`check \`${exec`ip netns list`}\` and these sysctls; dpctl cannot restore more`,
      details: { unknown, sysctls: Object.fromEntries(values) },
    },
  );
}

/** Everything that could not be removed. */
export function incomplete(failures: readonly unknown[]): DpctlError {
  const texts = failures.map((failure) => (failure instanceof Error ? failure.message : failure));
  const remedy = failures.map(shortageRemedy).find((each) => each !== undefined);
  return new DpctlError(
    'RESET_INCOMPLETE',
    `some things could not be removed: ${texts.join('; ')}`,
    {
      hint: advice`${remedy ?? 'remove what prevents it'}, then: ${run`reset --yes`}`,
      details: { failures: texts },
      cause: failures[0],
    },
  );
}
