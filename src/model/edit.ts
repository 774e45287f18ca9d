/** Edits of desired state: the one door to their modules. */
export * from './endpoint-edits.js';
export * from './endpoints.js';
export * from './gateways.js';
export * from './lookup.js';
export * from './networks.js';
export * from './nodes.js';
export * from './nodes-fdb.js';
export * from './static-fdb.js';
export * from './underlay.js';
export * from './underlay-mtu.js';
