/** What the verbs of networks take and give. */
import type { ChangeResult } from './change.js';

export interface NetworkAddRequest {
  readonly name: string;
  readonly vni?: number;
  readonly subnets?: readonly string[];
  /** Parts of the subnets from which this node chooses addresses. */
  readonly ranges?: readonly string[];
  /** Prefixes of the subnets that this node owns; false: none any more. */
  readonly ownPrefixes?: readonly string[] | false;
  /** Seconds; 0: never. */
  readonly ageing?: number;
  /** true: the first address of each subnet; false: none any more; or the addresses. */
  readonly gateway?: boolean | readonly string[];
  readonly masquerade?: boolean;
  readonly bigTcp?: boolean;
  /** Bits 3 to 15: frames to 01:80:c2:00:00:0N are forwarded. */
  readonly groupFwdMask?: number;
  /** Route to and from other networks that have this, too, by way of the gateways. */
  readonly routeBetween?: boolean;
  /** false: frames to unknown MACs are dropped, as behind a bridge's port with flood off. */
  readonly floodUnknown?: boolean;
  /** false: of the MACs behind other nodes only those are known that are told (learning off). */
  readonly learnNodes?: boolean;
}

/** Which network to delete. */
export interface NetworkDeleteRequest {
  readonly name: string;
}

export interface NetworkRow {
  readonly name: string;
  readonly vni: number;
  readonly subnet4: string;
  readonly subnet6: string;
  /** Parts of them from which this node chooses addresses, or empty. */
  readonly range4: string;
  readonly range6: string;
  /** Prefixes of them that this node owns, or empty. */
  readonly own4: string;
  readonly own6: string;
  /** Seconds. */
  readonly ageing: number;
  /** Addresses of the gateway with a comma between, or empty. */
  readonly gateway: string;
  readonly endpoints: number;
  /** Bit N: frames to 01:80:c2:00:00:0N are forwarded. */
  readonly groupFwdMask: number;
  /** masquerade, big-tcp, route-between, no-flood-unknown, no-learn-nodes. */
  readonly flags: readonly string[];
}

export interface NetworkChange extends ChangeResult {
  readonly network?: NetworkRow;
  /** It was not there before. */
  readonly created?: boolean;
}
