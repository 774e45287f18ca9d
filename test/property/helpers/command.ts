/** The parts of a random command. */
import fc from 'fast-check';
import type { Model, ModelEndpoint } from './model.js';
import { compare, type World } from './world.js';

/** A command, as fast-check runs it. */
export type Command = fc.AsyncCommand<Model, World>;

/** A command of a name, a precondition and an action. */
export function command(
  name: string,
  check: (model: Model) => boolean,
  run: (model: Model, world: World) => Promise<unknown>,
): Command {
  return {
    check,
    run: async (model, world) => {
      await run(model, world);
      await compare(world, model);
    },
    toString: () => name,
  };
}

/** Always possible. */
export const always = (): boolean => true;
/** Names of networks. */
export const NETWORKS = ['a', 'b', 'c'] as const;
const NAMES = ['p', 'q', 'r', 's'] as const;
const IFNAMES = ['eth0', 'eth1'] as const;
/** MACs behind endpoints. */
export const MACS = ['02:00:00:00:00:01', '02:00:00:00:00:02'] as const;

/** Letters of the namespaces. */
export const NAMESPACES: readonly string[] = NAMES;

/** Any of them, of interfaces, and of networks. */
export const name = fc.constantFrom(...NAMES);
export const ifname = fc.constantFrom(...IFNAMES);
export const networkName = fc.constantFrom(...NETWORKS);

/** A change that concerns an endpoint creates its lost device again. */
export function touch(model: Model, endpoint: ModelEndpoint): void {
  model.broken.delete(endpoint);
}
