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
    `what can be told is removed, but ${unknown.join('; ')}: namespaces that dpctl made, interfaces and devices that were there before, and sysctls may be as dpctl left them (now ${sysctls.join(', ')})`,
    {
      hint: advice`look at \`${exec`ip netns list`}\` and at these sysctls; there is no more that dpctl could put back`,
      details: { unknown, sysctls: Object.fromEntries(values) },
    },
  );
}

/** Everything that could not be removed. */
export function incomplete(failures: readonly unknown[]): DpctlError {
  const texts = failures.map((failure) => (failure instanceof Error ? failure.message : failure));
  const remedy = failures.map(shortageRemedy).find((each) => each !== undefined);
  return new DpctlError('RESET_INCOMPLETE', `not all could be removed: ${texts.join('; ')}`, {
    hint: advice`${remedy ?? 'remove what stands in the way'}, then: ${run`reset --yes`}`,
    details: { failures: texts },
    cause: failures[0],
  });
}
