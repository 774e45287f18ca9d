/** What defines a step of a plan: how it is carried out, undone and described. */
import type { Step } from '../../model/plan/plan.js';
import type { Endpoint } from '../../model/state/state.js';
import type { Node } from '../node/node.js';

/** What a run of steps reports to its caller. */
export interface Applied {
  hook: 'tcx' | 'clsact' | undefined;
  /** Descriptors of the namespaces that it makes, by path. */
  readonly namespaces?: ReadonlyMap<string, number>;
  /** The command asks for filters where there are no links yet. */
  readonly filterFirst?: boolean | undefined;
}

/** A step in words, for --dry-run and for what reconcile reports. */
export interface StepText {
  readonly subject: string;
  readonly detail?: string;
}

/** One kind of step. */
export interface StepActions<S extends Step> {
  execute(node: Node, step: S, applied: Applied): void | Promise<void>;
  /** Only called for a step that was carried out. Learned MACs and counters come back with traffic. */
  undo(node: Node, step: S): void | Promise<void>;
  describe(step: S): StepText;
  /** A reset skips it: tables and firewall rules go as a whole. */
  readonly omittedByReset?: true;
}

/** For a step that has nothing to undo. */
export function nothingToUndo(): void {}

/** How descriptions name an endpoint: NS/IFNAME. */
export function endpointSubject({ namespace, ifname }: Endpoint): string {
  return `${namespace.kind === 'node' ? 'host' : namespace.ref}/${ifname}`;
}
