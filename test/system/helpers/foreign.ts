/** Filters of other programs on the devices of a node. */
import { fileURLToPath } from 'node:url';
import type { ExecutionContext } from 'ava';
import { attachTcx, type TcxPosition } from '../../../loader/link/attach.js';
import { tcAttach } from '../../../loader/link/clsact.js';
import { mapGet } from '../../../loader/map/entry.js';
import { loadObject, openObject } from '../../../loader/object/object.js';
import { closeFd, openFd } from '../../../loader/sys/files.js';
import { inNetns } from '../../../loader/sys/netns.js';
import type { Lab } from './lab.js';

const OBJECT = fileURLToPath(new URL('../bpf/foreign.bpf.o', import.meta.url));

/** An attached filter. */
export interface Foreign {
  /** IPv4 frames that it saw. */
  seen(): number;
  /** Remove a tcx link; a clsact filter is removed with tc. */
  remove(): void;
}

/** How a filter is attached: tcx, or clsact with a preference. */
export type FilterPosition = TcxPosition | { readonly preference: number };

/**
 * Attach a filter to the ingress of a device in the node's namespace.
 * @param program `watch` passes frames on, `deny` drops IPv4
 */
export function putForeign(
  t: Pick<ExecutionContext, 'teardown'>,
  lab: Pick<Lab, 'node'>,
  ifindex: number,
  program: 'watch' | 'deny',
  position: FilterPosition,
): Foreign {
  const object = openObject(OBJECT);
  loadObject(object);
  const fd = object.programs.get(program)?.fd ?? -1;
  const seen = object.maps.get('seen');
  if (seen === undefined) throw new Error('the object has no map');
  let link: number | undefined;
  const node = openFd(`/run/netns/${lab.node}`);
  inNetns(node, () => {
    if (typeof position === 'object' && 'preference' in position) {
      tcAttach(fd, ifindex, 'ingress', { handle: 1, priority: position.preference });
    } else link = attachTcx(fd, ifindex, 'ingress', position);
  });
  closeFd(node);
  const remove = () => {
    if (link !== undefined) closeFd(link);
    link = undefined;
  };
  t.teardown(() => {
    remove();
    object.close();
  });
  return {
    seen: () => {
      const value = mapGet(seen, new Uint8Array(4)) ?? new Uint8Array(8);
      return Number(new DataView(value.buffer, value.byteOffset).getBigUint64(0, true));
    },
    remove,
  };
}
