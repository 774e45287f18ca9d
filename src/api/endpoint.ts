/** What the verbs of endpoints take and give. */
import type { ChangedRow, ChangeResult } from './change.js';

/** Who makes an endpoint: where nobody is named, a person. */
export type Owner =
  | { readonly kind: 'lab'; readonly lab: string }
  | {
      readonly kind: 'cni';
      /** Name of the network configuration. */
      readonly config: string;
      /** Id of the container. */
      readonly container: string;
      /** Interface that CNI asked for. */
      readonly ifname: string;
    };

export interface AttachRequest {
  /** Namespace: a name in /run/netns, a path, or a pid. */
  readonly ns: string;
  readonly network?: string;
  /** At most one IPv4 and one IPv6 address, with or without /LENGTH. */
  readonly ips?: readonly string[];
  readonly mac?: string;
  /** Bytes of layer 3; `auto`: what the underlay carries, now and later. */
  readonly mtu?: number | 'auto';
  /** Name of the interface inside the namespace; eth0 by default. */
  readonly ifname?: string;
  readonly isolated?: boolean;
  /** false: any source address is accepted and other MACs behind the endpoint are learned. */
  readonly lock?: boolean;
  /** false: none any more. */
  readonly allowPrefixes?: readonly string[] | false;
  /** Make the namespace if it is not there. */
  readonly create?: boolean;
  /** Attach the program by a filter, which is faster; an agent replaces it by a tcx link later. */
  readonly fast?: boolean;
  /** Kind of a new endpoint's device; `auto`: netkit where the kernel has it. */
  readonly driver?: 'veth' | 'netkit' | 'auto';
  /** `KEY=VALUE` sets a label, `KEY-` removes it; others stay. */
  readonly labels?: readonly string[];
  /** Of a new endpoint; one that is there keeps its own. */
  readonly owner?: Owner;
}

/** Which endpoint to detach; without an interface, all of the namespace. */
export interface DetachRequest {
  readonly ns: string;
  readonly ifname?: string | undefined;
  /** As in its row: only the endpoints of this owner, whichever namespace has the name now. */
  readonly owner?: string;
}

export interface EndpointRow {
  /** Namespace as the user named it. */
  readonly ns: string;
  readonly ifname: string;
  readonly network: string;
  readonly vni: number;
  readonly mac: string;
  /** ADDRESS/LENGTH, or empty. */
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
  /** `KEY=VALUE`, by key. */
  readonly labels: readonly string[];
}

export interface EndpointChange extends ChangeResult {
  readonly endpoints: readonly EndpointRow[];
  /** False where the endpoint was there and its settings were changed. */
  readonly created: boolean;
  /** How the program is attached: tcx or clsact; empty where it is not. */
  readonly hook: string;
}

export interface DetachChange extends EndpointChange {
  /** Namespaces that `attach --create` made, and that were deleted with their last endpoint. */
  readonly namespacesDeleted: readonly string[];
}

/** The endpoint that attach made or found. */
export type AttachedRow = ChangedRow<EndpointRow> & Pick<EndpointChange, 'hook'>;

/** An endpoint that detach removed. */
export interface DetachedRow extends EndpointRow {
  /** `attach --create` had made its namespace, and it was deleted. */
  readonly namespaceDeleted: boolean;
}
