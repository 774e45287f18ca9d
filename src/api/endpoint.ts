/** Requests and rows of the endpoint commands. */
import type { ChangedRow, ChangeResult } from './change.js';

/** Owner of an endpoint. By default, a person owns it. */
export type Owner =
  | { readonly kind: 'lab'; readonly lab: string }
  | {
      readonly kind: 'cni';
      /** Name of the CNI network configuration. */
      readonly config: string;
      /** CNI_CONTAINERID. */
      readonly container: string;
      /** CNI_IFNAME. */
      readonly ifname: string;
    };

export interface AttachRequest {
  /** Namespace: a name in /run/netns, a path, or a pid. */
  readonly ns: string;
  readonly network?: string;
  /** At most one IPv4 and one IPv6 address, with or without /LENGTH. */
  readonly ips?: readonly string[];
  readonly mac?: string;
  /** Layer 3 MTU, in bytes. `auto`: follows the MTU of the underlay. */
  readonly mtu?: number | 'auto';
  /** Name of the interface inside the namespace; eth0 by default. */
  readonly ifname?: string;
  readonly isolated?: boolean;
  /** false: accept any source address, and learn other MACs behind the endpoint. */
  readonly lock?: boolean;
  /** Replaces the allowed prefixes; false removes all of them. */
  readonly allowPrefixes?: readonly string[] | false;
  /** Create the namespace if it does not exist. */
  readonly create?: boolean;
  /** Attach the program as a clsact filter, which is faster. An agent replaces it with a tcx link later. */
  readonly fast?: boolean;
  /** Device type of a new endpoint. `auto`: netkit if the kernel supports it. */
  readonly driver?: 'veth' | 'netkit' | 'auto';
  /** `KEY=VALUE` sets a label, `KEY-` removes it. Other labels are kept. */
  readonly labels?: readonly string[];
  /** Owner of a new endpoint. An existing endpoint keeps its owner. */
  readonly owner?: Owner;
}

/** Endpoint to detach; without an interface, all endpoints of the namespace. */
export interface DetachRequest {
  readonly ns: string;
  readonly ifname?: string | undefined;
  /** Detach only endpoints of this owner (as in {@link EndpointRow}), whatever namespace has the name now. */
  readonly owner?: string;
}

export interface EndpointRow {
  /** Namespace, as the user specified it. */
  readonly ns: string;
  readonly ifname: string;
  readonly network: string;
  readonly vni: number;
  readonly mac: string;
  /** ADDRESS/LENGTH, or empty if the endpoint has none. */
  readonly ip4: string;
  readonly ip6: string;
  readonly mtu: number;
  readonly hostIfname: string;
  readonly ifindex: number;
  readonly driver: 'veth' | 'netkit';
  readonly id: number;
  readonly state: string;
  /** lock, isolated, adopted, gateway ... */
  readonly flags: readonly string[];
  readonly allowPrefixes: readonly string[];
  /** `person`, `lab/NAME`, `cni/CONFIG/CONTAINER/IFNAME`. */
  readonly owner: string;
  /** `KEY=VALUE`, sorted by key. */
  readonly labels: readonly string[];
}

export interface EndpointChange extends ChangeResult {
  readonly endpoints: readonly EndpointRow[];
  /** false: the endpoint existed. */
  readonly created: boolean;
  /** How the program is attached: tcx or clsact; empty if it is not attached. */
  readonly hook: string;
}

export interface DetachChange extends EndpointChange {
  /** Namespaces created by `attach --create` that were deleted with their last endpoint. */
  readonly namespacesDeleted: readonly string[];
}

/** Output of attach: the endpoint that it created or changed. */
export type AttachedRow = ChangedRow<EndpointRow> & Pick<EndpointChange, 'hook'>;

/** Output of detach: an endpoint that it removed. */
export interface DetachedRow extends EndpointRow {
  /** The namespace was created by `attach --create`, and was deleted, too. */
  readonly namespaceDeleted: boolean;
}
