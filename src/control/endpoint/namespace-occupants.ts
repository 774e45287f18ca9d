/** What others have in a namespace that dpctl made and is about to delete. */
import { fstatSync } from 'node:fs';
import { linkDump } from '../../linux/netlink/link.js';
import { withRtnl } from '../../linux/netlink/socket.js';
import { processInNetns } from '../../linux/process.js';
import type { Observed } from '../../model/plan/observed.js';
import type { Endpoint, State } from '../../model/state/state.js';
import type { Node } from '../node/node.js';
import { withNamespace } from './namespace.js';

/** The kernel makes these in every namespace by itself, once the module of the tunnel is loaded. */
const KERNELS_OWN: ReadonlySet<string> = new Set([
  'lo',
  ...['tunl0', 'gre0', 'gretap0', 'erspan0', 'ip_vti0'],
  ...['sit0', 'ip6tnl0', 'ip6gre0', 'ip6_vti0'],
]);

/**
 * Another user of an endpoint's namespace: a process in it, or a device that is neither dpctl's nor the
 * kernel's own.
 * @returns its name for messages; undefined if there is none, or if the namespace is gone
 */
export function occupantOf(node: Node, state: State, { namespace }: Endpoint): string | undefined {
  return withNamespace(node, namespace, (fd) => {
    if (fd === undefined) return undefined;
    const ours = new Set(
      state.endpoints
        .filter((each) => each.namespace.cookie === namespace.cookie)
        .map(({ ifname }) => ifname),
    );
    const links = withRtnl(fd, (rtnl) => linkDump(rtnl, { statistics: false }));
    const device = links.find(({ name }) => !ours.has(name) && !KERNELS_OWN.has(name));
    if (device !== undefined) return `interface ${device.name}`;
    const process = processInNetns(fstatSync(fd).ino);
    return process && `process ${process.pid} (${process.name})`;
  });
}

/** Notes for the user about namespaces that dpctl made and does not delete. */
export function keptNotes({ endpoints }: State, { ports }: Observed): string[] {
  const staying = new Set(
    endpoints.filter(({ phase }) => phase !== 'detaching').map(({ namespace }) => namespace.cookie),
  );
  const notes = endpoints.flatMap(({ id, namespace }) => {
    const occupant = ports.get(id)?.occupant;
    if (occupant === undefined || staying.has(namespace.cookie)) return [];
    return [
      `namespace ${namespace.ref} is kept, for ${occupant} is in it: ip netns del ${namespace.ref}`,
    ];
  });
  return [...new Set(notes)];
}
