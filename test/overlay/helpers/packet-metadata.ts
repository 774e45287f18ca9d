/** Metadata that packets may arrive with. */
import { join } from 'node:path';
import { attachTcx, attachXdp } from '../../../loader/link/attach.js';
import { loadObject, openObject } from '../../../loader/object/object.js';
import { closeFd, openFd } from '../../../loader/sys/files.js';
import { inNetns } from '../../../loader/sys/netns.js';
import { ifindexOf } from './node.js';

/**
 * Attach metadata to a device's packets: `vouch`, on egress, marks the first checksum as verified by a
 * driver; `forge`, on ingress, adds the metadata of dpctl's own XDP program.
 * @returns a function that detaches it
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
