import { DETACH } from '../commands/endpoint.js';
import type { Call } from '../parse.js';
import { listOf } from '../render/render.js';
import { DETACHED } from '../schemas/control.js';
import { ask, type Outcome, planOutcome, took, valuesOf, words } from './verb.js';

/** dpctl detach NS. */
export async function run(call: Call): Promise<Outcome> {
  const { args, options } = valuesOf(DETACH, call);
  const { dryRun = false, ...which } = options;
  const change = await ask(call, 'detach', { ...args, ...options });
  if (dryRun) return planOutcome(change);
  const { endpoints, milliseconds, namespacesDeleted, notes } = change;
  const gone = new Set(namespacesDeleted);
  return {
    data: listOf(
      DETACHED,
      endpoints.map((row) => ({ ...row, namespaceDeleted: gone.has(row.ns) })),
    ),
    dataIfAsked: true,
    done:
      endpoints.length === 0
        ? [`unchanged: ${words(args.ns, which.ifname)} is not attached`]
        : [
            ...endpoints.map(
              ({ ns, ifname, ip4, ip6 }) =>
                `detached ${ns}: ${words(ifname, ip4, ip6)} (${took(milliseconds)})`,
            ),
            ...namespacesDeleted.map((ns) => `namespace ${ns} deleted`),
          ],
    notes,
  };
}
