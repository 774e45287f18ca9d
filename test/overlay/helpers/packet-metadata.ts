/** Things that packets bring along from elsewhere. */
import { join } from 'node:path';
import { attachTcx, attachXdp } from '../../../loader/link/attach.js';
import { loadObject, openObject } from '../../../loader/object/object.js';
import { closeFd, openFd } from '../../../loader/sys/files.js';
import { inNetns } from '../../../loader/sys/netns.js';
import { ifindexOf } from './node.js';

/**
 * Let a device's packets have something: `vouch`, on the way out, a driver's word that the first
 * checksum in them is right; `forge`, on the way in, the metadata of dpctl's own XDP program.
 * @returns what ends it
 */
export function bring(what: 'vouch' | 'forge', ns: string, device: string): () => void {
  const object = openObject(join(import.meta.dirname, '../bpf/packet-metadata.bpf.o'));
  loadObject(object);
  const netns = openFd(`/run/netns/${ns}`);
  try {
    const fd = object.programs.get(what)?.fd ?? -1;
    const ifindex = ifindexOf(ns, device);
    const link = inNetns(netns, () =>
      what === 'vouch' ? attachTcx(fd, ifindex, 'egress') : attachXdp(fd, ifindex),
    );
    return () => {
      closeFd(link);
      object.close();
    };
  } finally {
    closeFd(netns);
  }
}
