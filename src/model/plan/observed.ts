/** What was found in the kernel, in the words in which plans compare it with what is wanted. */

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
  /** Bytes; the larger of the IPv6 and IPv4 limits where they differ. */
  readonly gsoSize: number;
  /** Segments in a tunnel pass it whole; undefined where nobody looked, for there is no underlay. */
  readonly wholeTunnels?: boolean | undefined;
}

/** The program on the host end of an endpoint. */
export interface ObservedHook {
  readonly hook: 'tcx' | 'clsact';
  readonly programId: number;
}

/** What stands in the way of an endpoint, as an error says it. */
export interface Obstacle {
  readonly code: string;
  readonly message: string;
  readonly hint: Hint;
  readonly exitCode: 1 | 2 | 3 | 5;
}

/** What was found of one endpoint. */
export interface ObservedPort {
  /**
   * `reachable`: its namespace can be opened. `hidden`: it lives (the host end has its peer
   * there) but cannot be opened, so nothing inside is known. `gone`: there is no such namespace.
   */
  readonly namespace: 'reachable' | 'hidden' | 'gone';
  readonly host: ObservedDevice | undefined;
  readonly inner: ObservedDevice | undefined;
  /** ADDRESS/LENGTH of the interface inside, without link-local ones. */
  readonly addresses: readonly string[];
  /** Those of them that dpctl added. Others are their owner's to keep. */
  readonly ownAddresses: readonly string[];
  /** Next hops of the default routes inside that dpctl added for this endpoint. */
  readonly gateways: readonly string[];
  readonly loopbackUp: boolean;
  readonly hook: ObservedHook | undefined;
  /** A link is pinned under its number, whatever it is attached to. */
  readonly pinned: boolean;
  /** MACs learned behind it. */
  readonly learned: number;
  /** Why nothing can be made of it until somebody makes room: then what there is of it stays. */
  readonly blocked?: Obstacle | undefined;
  /**
   * What has the name of a namespace that dpctl made and that is not there: nothing, an empty file that was
   * left when making or deleting it was interrupted, or what is somebody else's.
   */
  readonly nameUse?: 'free' | 'leftover' | 'taken' | undefined;
  /** Who else uses a namespace that would be deleted with it; undefined: nobody. */
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
  /** UDP port, of an anchor; 0 where it is no such device. */
  readonly port: number;
  readonly alias: string;
  /** It merges what comes out of it (GRO), of an anchor. */
  readonly merges: boolean;
}

/** A program of the overlay, and where it runs. */
export interface ObservedOverlayProgram {
  readonly hook: 'tcx' | 'clsact' | 'xdp';
  readonly programId: number;
  /** 0: its device is gone. */
  readonly ifindex: number;
}

/** What was found of the overlay's own programs and devices. */
export interface ObservedOverlay {
  readonly devices: ReadonlyMap<OverlayDeviceKind, ObservedOverlayDevice>;
  readonly programs: ReadonlyMap<OverlayProgram, ObservedOverlayProgram>;
  /** Ids of the programs that are to run; those that are to be loaded first are not there. */
  readonly programIds: ReadonlyMap<OverlayProgram, number>;
}

/** What was found of a node, or of the part of it that a command is about. */
export interface Observed {
  /** By {@link entryName}. */
  readonly entries: ReadonlyMap<string, RawEntry>;
  /** By number of the endpoint. */
  readonly ports: ReadonlyMap<number, ObservedPort>;
  readonly orphans: readonly Orphan[];
  readonly masquerades: readonly Masquerade[];
  /** hostRulesText of the other rules in the host's firewall. */
  readonly hostRules: string;
  /** Key below /proc/sys -> value, of those that are or were wanted. */
  readonly sysctls: ReadonlyMap<string, string>;
  /** Those that other roots in the same namespace rely on, with what was there before all of them. */
  readonly shared?: readonly SysctlChange[] | undefined;
  /** Id of the program that endpoints are to run; 0 when it is to be loaded first. */
  readonly programId: number;
  /** Looked at where a plan is about all of the node. */
  readonly overlay?: ObservedOverlay | undefined;
}

/** The name of an entry in {@link Observed}: its table and key. */
export function entryName({ table, key }: Pick<RawEntry, 'table' | 'key'>): string {
  return `${table}/${Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('hex')}`;
}
