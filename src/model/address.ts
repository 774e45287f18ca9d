/** MAC addresses, IP addresses and prefixes: the one door to their modules. */
export * from './ip.js';
export * from './mac.js';
export * from './prefix.js';
