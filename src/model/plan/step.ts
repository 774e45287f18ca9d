/** What a plan consists of: each step is one change of the kernel, with what undoes it. */

import type { Masquerade, Port } from '../desired/desired.js';
import type { HostRule } from '../desired/host-rules.js';
import type { OverlayDevice, OverlayProgram } from '../desired/overlay.js';
import { type RawEntry, tableKey } from '../desired/table-entry.js';
import type { Endpoint } from '../state/state.js';
import type { ObservedDevice, ObservedHook } from './observed.js';

/** Settings of a device that a step changes. */
export interface DeviceSettings {
  readonly mac?: string;
  readonly mtu?: number;
  readonly up?: boolean;
  readonly alias?: string;
  /** For devices that dpctl made: a renamed device gets its own name back. */
  readonly name?: string;
  readonly gsoSize?: number;
  readonly wholeTunnels?: boolean;
}

/** A parameter below /proc/sys and its value. */
export interface SysctlValue {
  readonly key: string;
  readonly value: string;
}

/** One change of the kernel. `was` holds what undoes it. */
export type Step =
  | { readonly op: 'netns.create'; readonly endpoint: Endpoint }
  | { readonly op: 'netns.delete'; readonly endpoint: Endpoint }
  | { readonly op: 'pair.create'; readonly port: Port }
  | {
      readonly op: 'pair.delete';
      readonly name: string;
      readonly ifindex: number;
      /** It has no endpoint or cannot be used: its deletion need not be undone. */
      readonly orphan: boolean;
      /** Its endpoint, if another device is made in its place. */
      readonly endpoint?: Endpoint;
    }
  | {
      readonly op: 'pairs.delete';
      readonly pairs: readonly { readonly name: string; readonly ifindex: number }[];
    }
  | {
      readonly op: 'host.set' | 'inner.set';
      readonly endpoint: Endpoint;
      readonly ifindex: number;
      readonly set: DeviceSettings;
      readonly was: DeviceSettings;
    }
  | { readonly op: 'loopback.up' | 'loopback.down'; readonly endpoint: Endpoint }
  | {
      readonly op: 'address.add' | 'address.delete';
      readonly endpoint: Endpoint;
      readonly address: string;
    }
  | {
      readonly op: 'route.add' | 'route.delete';
      readonly endpoint: Endpoint;
      readonly gateway: string;
    }
  | {
      readonly op: 'tc.attach';
      readonly id: number;
      readonly ifindex: number;
      /** The program of another build that runs there now. */
      readonly was: ObservedHook | undefined;
    }
  | { readonly op: 'tc.detach'; readonly id: number; readonly ifindex: number }
  | { readonly op: 'table.put'; readonly entry: RawEntry; readonly was: RawEntry | undefined }
  | { readonly op: 'table.delete'; readonly entry: RawEntry }
  | { readonly op: 'endpoint.announce'; readonly endpoint: Endpoint }
  | { readonly op: 'stats.clear'; readonly id: number }
  | { readonly op: 'fdb.forget'; readonly id: number }
  | { readonly op: 'overlay.create' | 'overlay.delete'; readonly device: OverlayDevice }
  | {
      readonly op: 'overlay.attach';
      readonly program: OverlayProgram;
      readonly ifindex: number;
      /** Another build's program runs there already. */
      readonly replaces: boolean;
    }
  | {
      readonly op: 'overlay.detach';
      readonly program: OverlayProgram;
      /** 0: its device is gone. */
      readonly ifindex: number;
    }
  | { readonly op: 'node.forget'; readonly number: number }
  | {
      readonly op: 'sysctl.set';
      readonly key: string;
      readonly value: string;
      readonly was: string;
      /**
       * Parameters of single devices that the write overwrites: written again after it, or after its undo.
       */
      readonly then?: readonly SysctlValue[];
      readonly wasThen?: readonly SysctlValue[];
    }
  | {
      readonly op: 'nft.apply';
      readonly table: string;
      /** The table of an older dpctl that this one replaces. */
      readonly replaces?: string;
      readonly rules: readonly Masquerade[];
      readonly host: readonly HostRule[];
      readonly was: readonly Masquerade[];
      readonly wasHost: readonly HostRule[];
    };

/** The step of an op: `StepOf<'host.set'>`. */
export type StepOf<Op extends Step['op']> = Step extends infer Each
  ? Each extends Step
    ? Op extends Each['op']
      ? Omit<Each, 'op'> & { readonly op: Op }
      : never
    : never
  : never;

/**
 * True for a step that cannot be undone: everything in the device or namespace (others' addresses, routes and
 * rules too) is lost with it. A plan has these last.
 */
export function isFinal(step: Step): boolean {
  return (
    (step.op === 'pair.delete' && !step.orphan) ||
    step.op === 'pairs.delete' ||
    step.op === 'netns.delete'
  );
}

/** The step that brings a device's settings to the wanted ones; none if they already match. */
export function setSteps(
  op: 'host.set' | 'inner.set',
  endpoint: Endpoint,
  found: ObservedDevice,
  wanted: DeviceSettings,
): Step[] {
  const set: Record<string, unknown> = {};
  const was: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(wanted)) {
    const current = found[key as keyof DeviceSettings];
    if (current === value) continue;
    set[key] = value;
    was[key] = current;
  }
  if (Object.keys(set).length === 0) return [];
  return [{ op, endpoint, ifindex: found.ifindex, set, was }];
}

/**
 * Metric of the default routes that dpctl adds inside: behind any that the namespace's owner is likely to
 * have, and different for each endpoint, so that a namespace with several can have all of them.
 */
export function routeMetric({ id }: Endpoint): number {
  return 4096 + id;
}

/** The key of an endpoint's counters. */
export function statsKey(id: number): Uint8Array {
  return tableKey('epstat', id);
}
