/** Addresses by number, so that tests can write them down: node n, container k, network i. */

/** VTEP addresses of a node. */
export const vtep4 = (node: number): string => `192.168.90.${node}`;
export const vtep6 = (node: number): string => `fd90::${node}`;

/** Addresses of a container: the same in every network, so that a leak between two would show. */
export const ip4Of = (node: number, k: number): string => `10.80.${node}.${k}`;
export const ip6Of = (node: number, k: number): string => `fd80::${node}:${k}`;
export const macOf = (node: number, k: number): string => `0a:58:0a:50:${hex(node)}:${hex(k)}`;

function hex(value: number): string {
  return value.toString(16).padStart(2, '0');
}

/** UDP port of VXLAN. */
export const PORT = 4789;
