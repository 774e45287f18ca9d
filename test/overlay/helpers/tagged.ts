/** Containers that put VLAN tags on everything that they send. */
import { join } from 'node:path';
import { attachTcx } from '../../../loader/link/attach.js';
import { loadObject, openObject } from '../../../loader/object/object.js';
import { closeFd, openFd } from '../../../loader/sys/files.js';
import { inNetns } from '../../../loader/sys/netns.js';
import { ifindexOf } from './node.js';

/**
 * Tag what leaves a namespace's device, and untag what arrives.
 * @param vlans at most two, the outermost last
 * @returns a function that ends it
 */
export function speakVlan(ns: string, outer: number, inner = 0, device = 'eth0'): () => void {
  const object = openObject(join(import.meta.dirname, '../bpf/tag.bpf.o'), {
    constants: { vlan: Uint8Array.from(inner === 0 ? [outer, 0, 0, 0] : [inner, 0, outer, 0]) },
  });
  loadObject(object);
  const netns = openFd(`/run/netns/${ns}`);
  try {
    const ifindex = ifindexOf(ns, device);
    const links = inNetns(netns, () => [
      attachTcx(object.programs.get('tag')?.fd ?? -1, ifindex, 'egress'),
      attachTcx(object.programs.get('untag')?.fd ?? -1, ifindex, 'ingress'),
    ]);
    return () => {
      for (const link of links) closeFd(link);
      object.close();
    };
  } finally {
    closeFd(netns);
  }
}
