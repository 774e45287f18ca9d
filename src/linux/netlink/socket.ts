/** Netlink sockets of network namespaces. Messages: loader/netlink/exchange.ts. */

import { type Netlink, openExchange } from '../../../loader/netlink/exchange.js';
import { inNetns } from '../../../loader/sys/netns.js';

export { dump, request } from '../../../loader/netlink/exchange.js';

/** An open netlink socket of one family, tied to one namespace for its lifetime. */
export type Rtnl = Netlink;

const NETLINK_ROUTE = 0;

/**
 * Open a NETLINK_ROUTE socket inside the namespace of `nsFd`, by default the caller's own. The socket stays
 * with that namespace; `nsFd` may be closed afterwards. Throws KERNEL_* (exit 2).
 */
export function openRtnl(nsFd?: number): Rtnl {
  return openFamily(NETLINK_ROUTE, nsFd);
}

/** Like openRtnl, for another netlink protocol (16 is generic netlink). */
export function openFamily(protocol: number, nsFd?: number): Rtnl {
  return nsFd === undefined ? openExchange(protocol) : inNetns(nsFd, () => openExchange(protocol));
}

/**
 * Open a socket, pass it to `use` and always close it. Throws TypeError when `use` returns a promise, which
 * would continue with a closed socket, and what openRtnl and `use` throw.
 */
export function withRtnl<T>(nsFd: number | undefined, use: (rtnl: Rtnl) => T): T {
  const rtnl = openRtnl(nsFd);
  try {
    const result = use(rtnl);
    if (result instanceof Promise) {
      throw new TypeError('withRtnl: the section must be synchronous, it returned a promise');
    }
    return result;
  } finally {
    rtnl.close();
  }
}
