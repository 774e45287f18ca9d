/** Requests and rows of the underlay commands. */
import type { ChangeResult } from './change.js';

export interface UnderlaySetRequest {
  readonly device: string;
  /** UDP port. */
  readonly port?: number;
  readonly decap?: 'auto' | 'tc' | 'tc-gro' | 'xdp';
  /** Underlay address of this node, or `auto`. */
  readonly vtep?: string;
}

/** Underlay of this node. */
export interface UnderlayRow {
  /** Underlay device. */
  readonly ifname: string;
  readonly ifindex: number;
  /** up, down, or the reason why it cannot be used. */
  readonly state: string;
  /** Underlay address of this node. */
  readonly local: string;
  readonly port: number;
  /** Layer 3 MTU of the device, in bytes. */
  readonly mtu: number;
  /** Layer 3 MTU of endpoints without a configured MTU, in bytes. */
  readonly endpointMtu: number;
  /** Decapsulation in use: tc, tc-gro or xdp. */
  readonly decap: string;
  /** Requested decapsulation: one of these, or auto. */
  readonly asked: string;
  /** Why this decapsulation is in use. */
  readonly why: string;
}

export interface UnderlayChange extends ChangeResult {
  readonly underlay?: UnderlayRow;
}
