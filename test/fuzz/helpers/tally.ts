/** Counts packets at the places of a node that decide each frame's fate. */
import { join } from 'node:path';
import { attachTcx } from '../../../loader/link/attach.js';
import { mapGet } from '../../../loader/map/entry.js';
import { loadObject, openObject } from '../../../loader/object/object.js';
import { closeFd, openFd } from '../../../loader/sys/files.js';
import { inNetns } from '../../../loader/sys/netns.js';
import { ifindexOf } from '../../overlay/helpers/node.js';

/** Places, in the order of the program's table. */
const PLACES = [
  'arrived',
  'passed',
  'anchored',
  'delivered',
  'unwrapped',
  'wire',
  'forged',
] as const;
export type CountingPoint = (typeof PLACES)[number];

/** Packets, and the wire frames that were merged into them. */
export interface Count {
  readonly packets: number;
  readonly frames: number;
}

/** Programs at some of the places. */
export interface Tally {
  /** Attach the one for a place: `arrived` and `anchored` go in front of all other programs there. */
  at(place: CountingPoint, ns: string, device: string): () => void;
  read(): Record<CountingPoint, Count>;
  close(): void;
}

/** Load them. The caller closes it. */
export function makeTally(): Tally {
  const object = openObject(join(import.meta.dirname, '../bpf/tally.bpf.o'));
  const links: number[] = [];
  loadObject(object);
  return {
    at(place, ns, device) {
      const netns = openFd(`/run/netns/${ns}`);
      try {
        const where = place === 'arrived' || place === 'anchored' ? 'first' : 'last';
        const fd = object.programs.get(place)?.fd ?? -1;
        const ifindex = ifindexOf(ns, device);
        const link = inNetns(netns, () => attachTcx(fd, ifindex, 'ingress', where));
        links.push(link);
        return () => closeFd(links.splice(links.indexOf(link), 1)[0] ?? -1);
      } finally {
        closeFd(netns);
      }
    },
    read() {
      const map = object.maps.get('tally');
      if (map === undefined) throw new Error('no table');
      const counts = PLACES.map((place, index) => {
        const bytes =
          mapGet(map, new Uint8Array(Uint32Array.of(index).buffer)) ?? new Uint8Array(16);
        const view = new DataView(bytes.buffer, bytes.byteOffset);
        const [packets, frames] = [view.getBigUint64(0, true), view.getBigUint64(8, true)];
        return [place, { packets: Number(packets), frames: Number(frames) }];
      });
      return Object.fromEntries(counts) as Record<CountingPoint, Count>;
    },
    close() {
      for (const link of links) closeFd(link);
      object.close();
    },
  };
}
