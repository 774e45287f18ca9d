/**
 * Operations on a node: request and result types and the HTTP route of each. The command line, the agent and
 * its clients share them. The names are those of the commands.
 */
import type { ChangeOptions, ChangeResult } from './change.js';
import type {
  ClusterChange,
  ClusterJoinRequest,
  ClusterLeaveRequest,
  ClusterReport,
} from './cluster.js';
import type { DumpRows, DumpTable } from './dump.js';
import type {
  AttachRequest,
  DetachChange,
  DetachRequest,
  EndpointChange,
  EndpointRow,
} from './endpoint.js';
import type { FdbAddRequest, FdbChange, FdbDeleteRequest, FdbFlushRequest } from './fdb.js';
import type {
  NetworkAddRequest,
  NetworkChange,
  NetworkDeleteRequest,
  NetworkRow,
} from './network.js';
import type {
  RemoteNodeAddRequest,
  RemoteNodeChange,
  RemoteNodeDeleteRequest,
  RemoteNodeRow,
} from './remote-node.js';
import type { StatusReport } from './status.js';
import type { UnderlayChange, UnderlayRow, UnderlaySetRequest } from './underlay.js';

interface Operation<Request, Result> {
  readonly request: Request;
  readonly result: Result;
}

/** Row of any table of `dump`. */
export type TableRow = DumpRows[DumpTable];

/** Rows of a table, read lazily. Large tables also provide JSON: chunks, with commas between rows. */
export type TableRows = (Iterable<TableRow> | AsyncIterable<TableRow>) & {
  readonly json?: Iterable<Uint8Array>;
};

/** A request without members. */
export type Nothing = Readonly<Record<never, never>>;

/** Request and result types, by operation name. */
export interface Operations {
  readonly attach: Operation<AttachRequest & ChangeOptions, EndpointChange>;
  readonly detach: Operation<DetachRequest & ChangeOptions, DetachChange>;
  readonly endpoints: Operation<Nothing, readonly EndpointRow[]>;
  readonly 'network add': Operation<NetworkAddRequest & ChangeOptions, NetworkChange>;
  readonly 'network del': Operation<NetworkDeleteRequest & ChangeOptions, NetworkChange>;
  readonly 'network list': Operation<Nothing, readonly NetworkRow[]>;
  readonly 'underlay set': Operation<UnderlaySetRequest & ChangeOptions, UnderlayChange>;
  readonly 'underlay del': Operation<ChangeOptions, UnderlayChange>;
  readonly 'underlay show': Operation<Nothing, readonly UnderlayRow[]>;
  readonly 'node add': Operation<RemoteNodeAddRequest & ChangeOptions, RemoteNodeChange>;
  readonly 'node del': Operation<RemoteNodeDeleteRequest & ChangeOptions, RemoteNodeChange>;
  readonly 'node list': Operation<Nothing, readonly RemoteNodeRow[]>;
  readonly 'cluster join': Operation<ClusterJoinRequest, ClusterChange>;
  readonly 'cluster leave': Operation<ClusterLeaveRequest, ClusterChange>;
  readonly 'cluster status': Operation<Nothing, ClusterReport>;
  readonly dump: Operation<{ readonly table: DumpTable }, TableRows>;
  readonly status: Operation<Nothing, StatusReport>;
  readonly 'fdb add': Operation<FdbAddRequest & ChangeOptions, FdbChange>;
  readonly 'fdb del': Operation<FdbDeleteRequest & ChangeOptions, FdbChange>;
  readonly 'fdb flush': Operation<FdbFlushRequest, FdbChange>;
  readonly reconcile: Operation<ChangeOptions, ChangeResult>;
}

export type OperationName = keyof Operations;
export type RequestOf<Name extends OperationName> = Operations[Name]['request'];
export type ResultOf<Name extends OperationName> = Operations[Name]['result'];

/** HTTP route of an operation. */
export interface Route {
  readonly method: 'GET' | 'POST';
  /** `{name}` is replaced by a member of the request. */
  readonly path: string;
  /** One line without a full stop. */
  readonly summary: string;
}

/** Routes of the operations. A GET changes nothing; the body of a POST is the request, as JSON. */
export const ROUTES: { readonly [Name in OperationName]: Route } = {
  attach: post('attach', 'connect a network namespace to a network'),
  detach: post('detach', 'take a network namespace off its network'),
  endpoints: get('endpoints', 'list the attached namespaces'),
  'network add': post('network/add', 'make a network, or change one'),
  'network del': post('network/del', 'delete a network'),
  'network list': get('network/list', 'list the networks'),
  'underlay set': post('underlay/set', 'reach other nodes through a device, with VXLAN'),
  'underlay del': post('underlay/del', 'disconnect this node from all others'),
  'underlay show': get('underlay/show', 'show how this node reaches others, and why this way'),
  'node add': post('node/add', 'add another node, or change its address'),
  'node del': post('node/del', 'forget another node'),
  'node list': get('node/list', 'list the other nodes that this one knows'),
  'cluster join': post('cluster/join', 'share networks, addresses and nodes with others'),
  'cluster leave': post('cluster/leave', 'give back what this node has in its cluster'),
  'cluster status': get('cluster/status', 'members, nodes and networks of the cluster'),
  dump: get('dump/{table}', "a table as it is in the kernel's maps, a row a line"),
  status: get('status', 'compare the desired state with the kernel'),
  'fdb add': post('fdb/add', 'add a static MAC address behind an endpoint or node'),
  'fdb del': post('fdb/del', 'delete an entry of the MAC table'),
  'fdb flush': post('fdb/flush', 'delete learned entries of the MAC table'),
  reconcile: post('reconcile', 'bring the kernel to the desired state'),
};

/** Routes on the agent itself, its stream of events and the CNI plugin. */
export const AGENT_ROUTES = {
  health: get('health', 'whether the agent answers'),
  ready: get('ready', 'whether the node is as requested, as far as the agent knows'),
  watch: get('watch', 'a line for each state that is saved, the present one first'),
  openapi: get('openapi.json', 'this description'),
  cni: post('cni', 'a call of the CNI plugin; an error has status 422'),
} as const satisfies Readonly<Record<string, Route>>;

/** Health of the agent. */
export interface Health {
  readonly pid: number;
  /** Seconds since it started to accept requests. */
  readonly uptime: number;
  /** Build of the agent; empty if unknown. */
  readonly build: string;
}

/** Whether the node matches its desired state. */
export interface Readiness {
  readonly ready: boolean;
  /** Why the node is not ready, or empty. */
  readonly why: string;
}

/** A saved revision of the desired state. */
export interface Revision {
  readonly revision: number;
  readonly endpoints: number;
  readonly networks: number;
  readonly nodes: number;
}

function get(path: string, summary: string): Route {
  return { method: 'GET', path: `/v1/${path}`, summary };
}

function post(path: string, summary: string): Route {
  return { method: 'POST', path: `/v1/${path}`, summary };
}
