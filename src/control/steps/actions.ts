/** What a step of a plan is made of here: how it is carried out, undone and described. */
import type { Step } from '../../model/plan/plan.js';
import type { Endpoint } from '../../model/state/state.js';
import type { Node } from '../node/node.js';

/** What a run of steps tells its caller. */
export interface Applied {
  hook: 'tcx' | 'clsact' | undefined;
  /** Descriptors of the namespaces that it makes, by path. */
  readonly namespaces?: ReadonlyMap<string, number>;
}

/** A step in words, for --dry-run and for what reconcile says it repaired. */
export interface StepText {
  readonly subject: string;
  readonly detail?: string;
}

/** One kind of step. */
export interface StepActions<S extends Step> {
  execute(node: Node, step: S, applied: Applied): void | Promise<void>;
  /** Only of a step that was carried out. What traffic teaches or counts comes again by itself. */
  undo(node: Node, step: S): void | Promise<void>;
  describe(step: S): StepText;
  /** A reset does without it: tables and firewall rules go as a whole. */
  readonly omittedByReset?: true;
}

/** Of a step that has nothing to undo. */
export function nothingToUndo(): void {}

/** How descriptions name an endpoint: NS/IFNAME. */
export function endpointSubject({ namespace, ifname }: Endpoint): string {
  return `${namespace.kind === 'node' ? 'host' : namespace.ref}/${ifname}`;
}
