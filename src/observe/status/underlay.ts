/** What status reports about reaching other nodes. */

import { DpctlError, isShortage } from '../../../loader/errors.js';
import { advice, exec, run } from '../../../loader/hint.js';
import { hasFeature } from '../../../loader/probe.js';
import type { Problem, StatusReport } from '../../api/status.js';
import { hostPins, type Node } from '../../control/node/node.js';
import { refuseConflicts } from '../../control/underlay/conflicts.js';
import { resolveUnderlay } from '../../control/underlay/resolve.js';
import { areTablesPinned } from '../../datapath/install.js';
import { nftInputDrops } from '../../datapath/nft/nft.js';
import { linkGet } from '../../linux/netlink/link.js';
import { withNetnsPath } from '../../linux/netns.js';
import { isGateway } from '../../model/desired/desired.js';
import { overlayMtu, oversized } from '../../model/overlay/mtu.js';
import { endpointLabel } from '../../model/state/lookup.js';
import type { ResolvedUnderlay, State, Underlay } from '../../model/state/state.js';
import { dump } from '../dump/dump.js';

/** Problems that keep this node from reaching others, and others from reaching it. */
export async function underlayProblems(node: Node, state: State): Promise<Problem[]> {
  const { underlay, nodes } = state;
  if (underlay === undefined) {
    if (nodes.length === 0) return [];
    return [
      {
        code: 'NO_UNDERLAY',
        subject: '',
        message: `no underlay is set, so none of the ${nodes.length} other nodes is reachable`,
        fix: run`underlay set DEV`,
      },
    ];
  }
  const resolved = attempt(underlay.device, () =>
    resolveUnderlay(node, state, { ...state, underlay }, { fresh: true }),
  );
  if ('problem' in resolved) return [resolved.problem];
  const now = { ...state, resolvedUnderlay: resolved.value };
  const conflict = attempt(underlay.device, () => refuseConflicts(node, state, now));
  return [
    ...('problem' in conflict ? [conflict.problem] : []),
    ...deviceProblems(node, underlay),
    ...addressProblems(state, resolved.value),
    ...sizeProblems(now),
    ...(await metadataProblems(node, state)),
  ];
}

/** Turn a refusal into a problem with the same code, text and remedy. */
function attempt<T>(
  subject: string,
  look: () => T,
): { readonly value: T } | { readonly problem: Problem } {
  try {
    return { value: look() };
  } catch (error) {
    if (!(error instanceof DpctlError) || isShortage(error)) throw error;
    const { code, message, hint = '' } = error;
    return { problem: { code, subject, message, fix: hint } };
  }
}

function deviceProblems(node: Node, { device }: Underlay): Problem[] {
  const link = linkGet(node.rtnl(), { name: device });
  if (link?.up === false) {
    const fix = `ip link set ${device} up`;
    return [{ code: 'UNDERLAY_DOWN', subject: device, message: 'the underlay is down', fix }];
  }
  if (link?.running === false) {
    const message = 'the underlay has no carrier';
    return [
      { code: 'UNDERLAY_NO_CARRIER', subject: device, message, fix: exec`ip link show ${device}` },
    ];
  }
  return [];
}

function addressProblems({ resolvedUnderlay: resolved }: State, now: ResolvedUnderlay): Problem[] {
  if (resolved === undefined || resolved.vtep === now.vtep) return [];
  return [
    {
      code: 'VTEP_CHANGED',
      subject: now.vtep,
      message: `this node's address is no longer ${resolved.vtep}, which the other nodes use`,
      fix: advice`${run`reconcile`}; on the other nodes: ${run`node add NAME --vtep ${now.vtep}`}`,
    },
  ];
}

/** Only traffic shows whether a driver keeps XDP's metadata of a packet. */
async function metadataProblems(
  node: Node,
  { underlay, resolvedUnderlay: resolved }: State,
): Promise<Problem[]> {
  if (underlay === undefined || resolved?.decap !== 'xdp' || !areTablesPinned(hostPins(node)))
    return [];
  const rows = [...(await dump(node, 'stats'))];
  const missed = rows.find(({ name }) => name === 'no_meta')?.packets ?? 0;
  if (missed === 0) return [];
  return [
    {
      code: 'DECAP_NO_METADATA',
      subject: underlay.device,
      message: `its driver does not pass on XDP metadata: ${missed} packets were decapsulated at TC`,
      fix: run`underlay set ${underlay.device} --decap tc-gro`,
    },
  ];
}

/** Packets left to the anchor must pass the host's firewall to reach its socket. */
export async function inputProblems(
  node: Node,
  { underlay, resolvedUnderlay: resolved }: State,
): Promise<Problem[]> {
  if (underlay === undefined || resolved?.anchor === undefined) return [];
  // Nothing is left to it if the kernel clears the packet's tunnel mark.
  if (hasFeature('adjust_room_decap_l4_udp')) return [];
  const { device, port } = underlay;
  const datagrams = { ifname: device, port };
  const drops = await withNetnsPath(node.netnsFd(), (path) => nftInputDrops(path, datagrams)).catch(
    noFirewall,
  );
  return drops.map(({ family, table, chain }) => ({
    code: 'INPUT_DROP',
    subject: `${family} ${table} ${chain}`,
    message: `the host's firewall drops by default, and no rule accepts VXLAN: packets that the kernel decapsulates are lost`,
    fix: exec`nft ${`add rule ${family} ${table} ${chain} iifname "${device}" udp dport ${port} accept`}`,
  }));
}

/** Without nft, or nf_tables in the kernel, there is no such chain; nothing else here needs them. */
function noFirewall(error: unknown): [] {
  const known =
    error instanceof DpctlError &&
    (error.code === 'COMMAND_MISSING' ||
      (error.code === 'NFT_FAILED' && /not supported/i.test(String(error.details.stderr))));
  if (!known) throw error;
  return [];
}

function sizeProblems(state: State): Problem[] {
  const { resolvedUnderlay: resolved } = state;
  if (resolved === undefined) return [];
  // Endpoints that follow the underlay are drift, not a request that cannot be met.
  return oversized(state)
    .filter((endpoint) => endpoint.mtuFollows !== true && !isGateway(endpoint))
    .map((endpoint) => ({
      code: 'MTU_TOO_LARGE',
      subject: endpointLabel(endpoint),
      message: `its MTU of ${endpoint.mtu} does not fit the underlay: at most ${overlayMtu(resolved)} bytes reach other nodes`,
      fix: run`attach ${endpoint.namespace.ref} --mtu ${overlayMtu(resolved)}`,
    }));
}

/** Without a socket on the port, the kernel accepts no ICMP errors about packets sent from it. */
function pathMtuText({ anchor, tunnel }: ResolvedUnderlay): string {
  if (anchor !== undefined) return "routers' path MTU errors are processed";
  if (tunnel !== undefined) return `${tunnel} processes routers' path MTU errors`;
  return "routers' path MTU errors are ignored";
}

/** The underlay in words, with what was chosen for it and why. */
export function underlayFacts({
  underlay,
  resolvedUnderlay: resolved,
  nodes,
}: State): StatusReport['facts'] {
  if (underlay === undefined && nodes.length === 0) return [];
  return [
    {
      name: 'underlay',
      value:
        underlay === undefined
          ? 'none'
          : `${underlay.device} ${resolved?.vtep ?? 'unusable'} port ${underlay.port}`,
    },
    ...(resolved === undefined
      ? []
      : [
          { name: 'decap', value: `${resolved.decap}: ${resolved.why}` },
          { name: 'path MTU', value: pathMtuText(resolved) },
          ...resolved.refused.map(({ decap, why }) => ({ name: `refused ${decap}`, value: why })),
        ]),
    { name: 'nodes', value: String(nodes.length) },
  ];
}
