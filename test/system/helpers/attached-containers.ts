/** Attached containers with their addresses. */
import type { Lab } from './lab.js';

/** An attached container; addresses without their lengths, empty if missing. */
export interface Attached {
  readonly ns: string;
  readonly ifname: string;
  readonly mac: string;
  readonly ip4: string;
  readonly ip6: string;
  readonly ifindex: number;
  readonly host_ifname: string;
}

/** Create a container and attach it. */
export async function join(lab: Lab, label: string, ...options: string[]): Promise<Attached> {
  return attach(lab, await lab.container(label), ...options);
}

/** Attach an existing container. */
export async function attach(lab: Lab, ns: string, ...options: string[]): Promise<Attached> {
  const row = await lab.json<Attached>(['attach', ns, ...options]);
  return { ...row, ip4: row.ip4.split('/')[0] ?? '', ip6: row.ip6.split('/')[0] ?? '' };
}
