/** What control/ and observe/ take and give: the vocabulary that the CLI renders. */
import type { Hint } from '../../loader/hint.js';

/** Options of every function that changes state. */
export interface ChangeOptions {
  /** Plan only: nothing is changed, not even the desired state. */
  readonly dryRun?: boolean;
}

/** Who makes an endpoint: where nobody is named, a person. */
export type Owner =
  | { readonly kind: 'lab'; readonly lab: string }
  | {
      readonly kind: 'cni';
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
  /** Kind of a new endpoint's device; `auto`: netkit where the kernel has it. */
  readonly driver?: 'veth' | 'netkit' | 'auto';
  /** `KEY=VALUE` sets a label, `KEY-` removes it; others stay. */
  readonly labels?: readonly string[];
  /** Of a new endpoint; one that is there keeps its own. */
  readonly owner?: Owner;
}

export interface NetworkAddRequest {
  readonly name: string;
  readonly vni?: number;
  readonly subnets?: readonly string[];
  /** Parts of the subnets from which this node chooses addresses. */
  readonly ranges?: readonly string[];
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
}

/** One line of a plan, in the order in which it is carried out. */
export interface PlanRow {
  /** What is done: `pair.create`, `table.put` ... */
  readonly step: string;
  /** What it is done to: an interface, a map's entry ... */
  readonly subject: string;
  /** The values, for people. */
  readonly detail: string;
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
  /** `person`, `lab/NAME`, `cni/CONTAINER/IFNAME`. */
  readonly owner: string;
  /** `KEY=VALUE`, by key. */
  readonly labels: readonly string[];
}

export interface NetworkRow {
  readonly name: string;
  readonly vni: number;
  readonly subnet4: string;
  readonly subnet6: string;
  /** Parts of them from which this node chooses addresses, or empty. */
  readonly range4: string;
  readonly range6: string;
  /** Seconds. */
  readonly ageing: number;
  /** Addresses of the gateway with a comma between, or empty. */
  readonly gateway: string;
  readonly endpoints: number;
  /** Bit N: frames to 01:80:c2:00:00:0N are forwarded. */
  readonly groupFwdMask: number;
  /** masquerade, big-tcp, route-between. */
  readonly flags: readonly string[];
}

/** What a changing function did. */
export interface ChangeResult {
  readonly changed: boolean;
  readonly plan: readonly PlanRow[];
  /** Remarks that the user must see: sysctls changed, filters of others ... */
  readonly notes: readonly Hint[];
  readonly milliseconds: number;
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

export interface NetworkChange extends ChangeResult {
  readonly network?: NetworkRow;
  /** It was not there before. */
  readonly created?: boolean;
}

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

/** Another node. */
export interface NodeRow {
  readonly name: string;
  /** Its address. */
  readonly dst: string;
  readonly number: number;
}

export interface NodeChange extends ChangeResult {
  readonly node?: NodeRow;
  /** It was not there before. */
  readonly created?: boolean;
}

/** Something that status found wrong. */
export interface Problem {
  readonly code: string;
  readonly subject: string;
  readonly message: string;
  /** A command that mends it. */
  readonly fix: Hint;
}

/** A problem as it is shown. */
export interface ProblemRow extends Omit<Problem, 'fix'> {
  readonly fix: string;
}

export interface StatusReport {
  readonly healthy: boolean;
  readonly problems: readonly Problem[];
  readonly facts: readonly { readonly name: string; readonly value: string }[];
}
