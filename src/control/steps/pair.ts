/** pair.create, pair.delete and pairs.delete: an endpoint's two devices. */
import { ENDPOINT_ARRAY_SIZE } from '../../contract/generated.js';
import { linkDelete, linkGet, linksDelete } from '../../linux/netlink/link.js';
import { linkAddNetkit, linkAddVeth } from '../../linux/netlink/pair.js';
import type { Rtnl } from '../../linux/netlink/socket.js';
import { driverOf, isGateway } from '../../model/desired/desired.js';
import type { StepOf } from '../../model/plan/plan.js';
import { endpointAlias, hostMacOf } from '../../model/state/ownership-mark.js';
import type { Endpoint } from '../../model/state/state.js';
import { withEndpointFd } from '../endpoint/namespace.js';
import type { Node } from '../node/node.js';
import { endpointSubject, nothingToUndo, type StepActions } from './actions.js';

/** Make both ends of an endpoint. */
export const pairCreate: StepActions<StepOf<'pair.create'>> = {
  execute: (node, { port }) => createPair(node, port.endpoint),
  undo(node, { port }) {
    linkDelete(node.rtnl(), { name: port.endpoint.hostIfname });
  },
  describe({ port: { endpoint } }) {
    const peer = `peer ${endpointSubject(endpoint)} mac ${endpoint.mac}`;
    return { subject: endpoint.hostIfname, detail: `${driverOf(endpoint)} ${peer}` };
  },
};

/** Delete a host end, and with it the other end. */
export const pairDelete: StepActions<StepOf<'pair.delete'>> = {
  execute(node, { ifindex }) {
    linkDelete(node.rtnl(), { ifindex });
  },
  undo: nothingToUndo,
  describe: ({ name, ifindex }) => ({ subject: name, detail: `ifindex ${ifindex}` }),
};

/** Delete many host ends, and with them their other ends. */
export const pairsDelete: StepActions<StepOf<'pairs.delete'>> = {
  execute(node, { pairs }) {
    linksDelete(
      node.rtnl(),
      pairs.map(({ ifindex }) => ifindex),
    );
  },
  undo: nothingToUndo,
  describe: ({ pairs }) => ({
    subject: `${pairs.length} devices`,
    detail: pairs.map(({ name }) => name).join(' '),
  }),
};

/** The far end is created inside the namespace. @throws DpctlError NETNS_GONE */
function createPair(node: Node, endpoint: Endpoint): void {
  withEndpointFd(node, endpoint, (fd) => {
    const linkAdd = driverOf(endpoint) === 'netkit' ? linkAddNetkit : linkAddVeth;
    linkAdd(node.rtnl(), {
      name: endpoint.hostIfname,
      ifindex: endpoint.ifindex,
      mac: hostMacOf(endpoint),
      mtu: endpoint.mtu,
      alias: endpointAlias(endpoint),
      peer: {
        name: endpoint.ifname,
        ifindex: isGateway(endpoint) ? highIfindex(node.rtnl()) : undefined,
        nsFd: fd,
        mac: endpoint.mac,
        mtu: endpoint.mtu,
      },
    });
  });
}

/**
 * A number for the host's end of a gateway. Both ends are in one namespace, and by default the kernel would
 * give this one the number reserved for the other. No table uses it as a key, so it lies above the numbers
 * that are keys.
 */
function highIfindex(rtnl: Rtnl): number {
  let ifindex = ENDPOINT_ARRAY_SIZE;
  while (linkGet(rtnl, { ifindex }) !== undefined) ifindex++;
  return ifindex;
}
