/** Requests and rows of the network commands. */
import type { ChangeResult } from './change.js';

export interface NetworkAddRequest {
  readonly name: string;
  readonly vni?: number;
  readonly subnets?: readonly string[];
  /** Parts of the subnets from which this node chooses addresses. */
  readonly ranges?: readonly string[];
  /** Prefixes of the subnets that this node owns; false removes all of them. */
  readonly ownPrefixes?: readonly string[] | false;
  /** Ageing time of learned MACs, in seconds; 0: they do not age. */
  readonly ageing?: number;
  /** Addresses of the gateway. true: the first address of each subnet; false: remove the gateway. */
  readonly gateway?: boolean | readonly string[];
  readonly masquerade?: boolean;
  readonly bigTcp?: boolean;
  /** Bit N (3 to 15): forward frames to 01:80:c2:00:00:0N. */
  readonly groupFwdMask?: number;
  /** Route between this network and others with this setting, through their gateways. */
  readonly routeBetween?: boolean;
  /** false: drop frames to unknown MACs, like a bridge port with flood off. */
  readonly floodUnknown?: boolean;
  /** false: do not learn MACs behind other nodes, only use configured ones (learning off). */
  readonly learnNodes?: boolean;
}

/** Network to delete. */
export interface NetworkDeleteRequest {
  readonly name: string;
}

export interface NetworkRow {
  readonly name: string;
  readonly vni: number;
  readonly subnet4: string;
  readonly subnet6: string;
  /** Parts of the subnets from which this node chooses addresses, or empty. */
  readonly range4: string;
  readonly range6: string;
  /** Prefixes of the subnets that this node owns, or empty. */
  readonly own4: string;
  readonly own6: string;
  /** Ageing time of learned MACs, in seconds; 0: they do not age. */
  readonly ageing: number;
  /** Addresses of the gateway, separated by commas, or empty. */
  readonly gateway: string;
  readonly endpoints: number;
  /** Bit N: forward frames to 01:80:c2:00:00:0N. */
  readonly groupFwdMask: number;
  /** masquerade, big-tcp, route-between, no-flood-unknown, no-learn-nodes. */
  readonly flags: readonly string[];
}

export interface NetworkChange extends ChangeResult {
  readonly network?: NetworkRow;
  /** true: the network is new. */
  readonly created?: boolean;
}
