/** Everything that the command line may ask of the control core. */
export { attach } from './attach.js';
export { detach } from './detach.js';
export { endpointList } from './endpoints.js';
export { fdbAdd, fdbDelete, fdbFlush } from './fdb.js';
export { networkAdd, networkDelete, networkList } from './network.js';
export { type Node, openNode } from './node.js';
export { adoptNamespace, refuseLostNamespace } from './node-namespace.js';
export { nodeAdd, nodeDelete, nodeList } from './nodes.js';
export { reconcile } from './reconcile.js';
export { reset, resetPlan } from './reset.js';
export type * from './types.js';
export { underlayDelete, underlaySet, underlayShow } from './underlay.js';
