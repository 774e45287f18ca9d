/** What was observed in the kernel, in the form in which plans compare it with the wanted state. */

import type { Hint } from '../../../loader/hint.js';
import type { Masquerade } from '../desired/desired.js';
import type { OverlayDeviceKind, OverlayProgram } from '../desired/overlay.js';
import type { RawEntry } from '../desired/table-entry.js';
import type { SysctlChange } from '../state/state.js';

/** One end of an endpoint's pair. */
export interface ObservedDevice {
  readonly ifindex: number;
  readonly name: string;
  readonly mac: string;
  /** Bytes of layer 3. */
  readonly mtu: number;
  readonly up: boolean;
  readonly alias: string;
  /** Bytes; if the IPv6 and IPv4 limits differ, the larger one. */
  readonly gsoSize: number;
  /** Segments in a tunnel pass it whole; undefined if not checked, as there is no underlay. */
  readonly wholeTunnels?: boolean | undefined;
}

/** The program on the host end of an endpoint. */
export interface ObservedHook {
  readonly hook: 'tcx' | 'clsact';
  readonly programId: number;
  /** The filter that the link replaces is still there: its removal was interrupted. */
  readonly both?: true;
}

/** What blocks an endpoint, as an error describes it. */
export interface Obstacle {
  readonly code: string;
  readonly message: string;
  readonly hint: Hint;
  readonly exitCode: 1 | 2 | 3 | 5;
}

/** What was observed of one endpoint. */
export interface ObservedPort {
  /**
   * `reachable`: its namespace can be opened. `unreachable`: it exists (the host end has its peer there) but
   * cannot be opened, so nothing inside is known. `gone`: there is no such namespace.
   */
  readonly namespace: 'reachable' | 'unreachable' | 'gone';
  readonly host: ObservedDevice | undefined;
  readonly inner: ObservedDevice | undefined;
  /** ADDRESS/LENGTH of the interface inside, without link-local ones. */
  readonly addresses: readonly string[];
  /** Those of them that dpctl added. The others belong to the namespace's owner. */
  readonly ownAddresses: readonly string[];
  /** Next hops of the default routes inside that dpctl added for this endpoint. */
  readonly gateways: readonly string[];
  readonly loopbackUp: boolean;
  readonly hook: ObservedHook | undefined;
  /** A link is pinned under its number, whatever device it is attached to. */
  readonly pinned: boolean;
  /** MACs learned behind it. */
  readonly learned: number;
  /** Why it cannot be made until a user removes the obstacle; its present devices stay meanwhile. */
  readonly blocked?: Obstacle | undefined;
  /**
   * What has the name of a missing namespace that dpctl made: nothing, an empty file left by an interrupted
   * creation or deletion, or something else.
   */
  readonly nameUse?: 'free' | 'leftover' | 'taken' | undefined;
  /** Another user of a namespace that is about to be deleted; undefined: none. */
  readonly occupant?: string | undefined;
}

/** What belongs to no endpoint of the desired state. */
export type Orphan =
  | { readonly kind: 'device'; readonly name: string; readonly ifindex: number }
  | { readonly kind: 'link'; readonly id: number }
  | { readonly kind: 'learned'; readonly endpoint: number }
  | { readonly kind: 'learned-node'; readonly node: number };

/** A device of the overlay. */
export interface ObservedOverlayDevice {
  readonly name: string;
  readonly ifindex: number;
  readonly mac: string;
  readonly up: boolean;
  /** UDP port of an anchor; 0 for other devices. */
  readonly port: number;
  readonly alias: string;
  /** Whether an anchor merges the packets that it decapsulates (GRO). */
  readonly merges: boolean;
}

/** A program of the overlay, and where it runs. */
export interface ObservedOverlayProgram {
  readonly hook: 'tcx' | 'clsact' | 'xdp';
  readonly programId: number;
  /** 0: its device is gone. */
  readonly ifindex: number;
}

/** What was observed of the overlay's own programs and devices. */
export interface ObservedOverlay {
  readonly devices: ReadonlyMap<OverlayDeviceKind, ObservedOverlayDevice>;
  readonly programs: ReadonlyMap<OverlayProgram, ObservedOverlayProgram>;
  /** Ids of the programs that must run; those that are not yet loaded are missing. */
  readonly programIds: ReadonlyMap<OverlayProgram, number>;
}

/** What was observed of a node, or of the part of it in a command's scope. */
export interface Observed {
  /** By {@link entryName}. */
  readonly entries: ReadonlyMap<string, RawEntry>;
  /** By number of the endpoint. */
  readonly ports: ReadonlyMap<number, ObservedPort>;
  readonly orphans: readonly Orphan[];
  readonly masquerades: readonly Masquerade[];
  /** hostRulesText of the other rules in the host's firewall. */
  readonly hostRules: string;
  /** Key below /proc/sys -> value, for keys that are or were wanted. */
  readonly sysctls: ReadonlyMap<string, string>;
  /** Parameters that other roots in the same namespace rely on, with the values from before all of them. */
  readonly shared?: readonly SysctlChange[] | undefined;
  /** Id of the program that endpoints must run; 0 if it is not yet loaded. */
  readonly programId: number;
  /** Only observed for a plan about the whole node. */
  readonly overlay?: ObservedOverlay | undefined;
}

/** The name of an entry in {@link Observed}: its table and key. */
export function entryName({ table, key }: Pick<RawEntry, 'table' | 'key'>): string {
  return `${table}/${Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('hex')}`;
}
