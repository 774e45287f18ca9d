/** What the verbs of the underlay take and give. */
import type { ChangeResult } from './change.js';

export interface UnderlaySetRequest {
  readonly device: string;
  /** UDP port. */
  readonly port?: number;
  readonly decap?: 'auto' | 'tc' | 'tc-gro' | 'xdp';
  /** Address of this node, or `auto`. */
  readonly vtep?: string;
}

/** How this node reaches others. */
export interface UnderlayRow {
  /** The device. */
  readonly ifname: string;
  readonly ifindex: number;
  /** up, down, or why it cannot be used. */
  readonly state: string;
  /** Address of this node. */
  readonly local: string;
  readonly port: number;
  /** Bytes of layer 3 of the device. */
  readonly mtu: number;
  /** Bytes of layer 3 of endpoints without an MTU of their own. */
  readonly endpointMtu: number;
  /** tc, tc-gro or xdp. */
  readonly decap: string;
  /** What was asked: one of them, or auto. */
  readonly asked: string;
  /** Why that way. */
  readonly why: string;
}

export interface UnderlayChange extends ChangeResult {
  readonly underlay?: UnderlayRow;
}
