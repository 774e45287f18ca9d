/** Endpoints of the other nodes, in the agent's memory and in this node's tables. */
import type { Places, RemoteEndpoint } from '../../control/cluster/remote-entries.js';
import {
  compareRemoteEntries,
  deleteExtern,
  entriesOf,
  placesOf,
  putAll,
} from '../../control/cluster/remote-entries.js';
import { hostPins, type Node } from '../../control/node/node.js';
import { areTablesPinned } from '../../datapath/install.js';
import { addressOf } from '../../model/address/prefix.js';
import type { State } from '../../model/state/state.js';
import { decode, SCHEMAS } from '../../store/etcd/records/schema.js';
import type { Delivery } from '../../store/etcd/watch/known-records.js';

/** What is known of endpoints elsewhere. Its functions run in the agent's turn. */
export interface Elsewhere {
  /** Take over what was delivered. @returns keys of records that cannot be read */
  deliver(delivery: Delivery): readonly string[];
  /** Take over the numbers of nodes and networks of a state. */
  place(state: State): void;
  /** Compare the tables with what is known. */
  compare(): { readonly written: number; readonly deleted: number };
  /** Addresses of a network; undefined before the first list. */
  taken(network: string): readonly string[] | undefined;
  readonly size: number;
}

/** Nothing is known yet. @param self name of this node, whose endpoints are no one else's */
export function newElsewhere(node: Node, self: string): Elsewhere {
  const known = new Map<string, RemoteEndpoint>();
  /** One string for each name, however many records have it. */
  const names = new Map<string, string>();
  let places: Places | undefined;
  let numbers = '';
  let isListed = false;
  const name = (text: string): string => {
    const found = names.get(text);
    if (found !== undefined) return found;
    names.set(text, text);
    return text;
  };
  const isInstalled = (): boolean => places !== undefined && areTablesPinned(hostPins(node));
  const compare = () =>
    isListed && places !== undefined
      ? compareRemoteEntries(node, known.values(), places)
      : { written: 0, deleted: 0 };
  return {
    deliver({ puts, deletes }) {
      const bad: string[] = [];
      const first = !isListed;
      isListed = true;
      node.refresh();
      const writes = !first && isInstalled();
      const drop = (key: string): void => {
        const was = known.get(key);
        known.delete(key);
        if (was === undefined || !writes || places === undefined) return;
        for (const entry of entriesOf(was, places)) deleteExtern(node, entry);
      };
      for (const key of deletes) drop(key);
      for (const entry of puts) {
        try {
          const record = decode(SCHEMAS.endpoint, entry);
          const { network, mac, ip4, ip6 } = record;
          if (record.node === self) continue;
          const now: RemoteEndpoint = {
            ...{ node: name(record.node), network: name(network), mac },
            ...(ip4 !== undefined && { ip4: addressOf(ip4) }),
            ...(ip6 !== undefined && { ip6: addressOf(ip6) }),
          };
          if (isSame(known.get(entry.key), now)) continue;
          drop(entry.key);
          known.set(entry.key, now);
          if (!writes || places === undefined) continue;
          putAll(node, entriesOf(now, places));
        } catch {
          bad.push(entry.key);
        }
      }
      if (first) compare();
      return bad;
    },
    place(state) {
      const former = places;
      const next = placesOf(state);
      places = next;
      const { own, nodes, vnis } = next;
      const now = JSON.stringify([[...nodes], [...vnis]]);
      const freed = [...(former?.own ?? [])].filter((each) => !own.has(each));
      if (now !== numbers) {
        numbers = now;
        compare();
      } else if (freed.length > 0 && isInstalled()) {
        // What an endpoint here had may be elsewhere by now.
        const lost = new Set(freed);
        for (const each of known.values()) {
          const vni = vnis.get(each.network);
          const has = [each.mac, each.ip4, each.ip6].some((text) => lost.has(`${vni} ${text}`));
          if (has) putAll(node, entriesOf(each, next));
        }
      }
    },
    compare,
    taken(network) {
      if (!isListed) return undefined;
      const taken: string[] = [];
      for (const each of known.values()) {
        if (each.network !== network) continue;
        if (each.ip4 !== undefined) taken.push(each.ip4);
        if (each.ip6 !== undefined) taken.push(each.ip6);
      }
      return taken;
    },
    get size() {
      return known.size;
    },
  };
}

function isSame(a: RemoteEndpoint | undefined, b: RemoteEndpoint): boolean {
  if (a === undefined) return false;
  return (['node', 'network', 'mac', 'ip4', 'ip6'] as const).every((key) => a[key] === b[key]);
}
