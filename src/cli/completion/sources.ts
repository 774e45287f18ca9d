/** Existing names, for completion. Any failure leaves nothing to propose. */
import { type Candidate, candidates, type Sources } from './complete.js';

/**
 * The lines that the shells' scripts read.
 * @param words after the program's name; the last one is being typed
 */
export async function completionLines(words: readonly string[]): Promise<string> {
  const found = await candidates(words, LIVE);
  return found
    .filter(({ value }) => !/[\n\t]/.test(value))
    .map(({ value, text }) => (text === '' ? `${value}\n` : `${value}\t${text}\n`))
    .join('');
}

const LIVE: Sources = {
  namespace: (root) =>
    quietly(async () => {
      const { netnsList } = await import('../../linux/netns.js');
      const attached = new Map((await endpoints(root)).map(({ value, text }) => [value, text]));
      return netnsList().map((value) => ({ value, text: attached.get(value) ?? '' }));
    }),
  endpoint: (root) => quietly(() => endpoints(root)),
  node: (root) =>
    quietly(async () => {
      const { remoteNodeList } = await import('../../control/underlay/remote-nodes.js');
      const { openNode } = await import('../../control/node/node.js');
      const rows = await remoteNodeList(openNode(rootOption(root)));
      return rows.map(({ name, dst }) => ({ value: name, text: dst }));
    }),
  device: (root) =>
    quietly(async () => {
      const { openNode } = await import('../../control/node/node.js');
      const { linkDump } = await import('../../linux/netlink/link.js');
      const links = linkDump(openNode(rootOption(root)).rtnl(), { statistics: false });
      return links
        .filter(({ flags, alias }) => !flags.includes('LOOPBACK') && !alias?.startsWith('dpctl '))
        .map(({ name, kind = '' }) => ({ value: name, text: kind }));
    }),
  network: (root) =>
    quietly(async () => {
      const { networkList } = await import('../../control/network/network.js');
      const { openNode } = await import('../../control/node/node.js');
      const rows = await networkList(openNode(rootOption(root)));
      return rows.map(({ name, subnet4, subnet6 }) => ({
        value: name,
        text: [subnet4, subnet6].filter((subnet) => subnet !== '').join(' '),
      }));
    }),
};

async function endpoints(root: string | undefined): Promise<Candidate[]> {
  return quietly(async () => {
    const { endpointList } = await import('../../control/endpoint/list.js');
    const { openNode } = await import('../../control/node/node.js');
    const rows = await endpointList(openNode(rootOption(root)));
    // A namespace with several interfaces appears once.
    return [...new Map(rows.map((row) => [row.ns, row])).values()].map(
      ({ ns, network, ip4, ip6 }) => ({
        value: ns,
        text: [network, ip4, ip6].filter((part) => part !== '').join(' '),
      }),
    );
  });
}

function rootOption(root: string | undefined): { readonly root?: string } {
  const given = root ?? process.env.DPCTL_ROOT;
  return given === undefined || given === '' ? {} : { root: given };
}

async function quietly(ask: () => Promise<Candidate[]>): Promise<Candidate[]> {
  try {
    return await ask();
  } catch {
    return [];
  }
}
