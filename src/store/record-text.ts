/** The records of a state as text. */
import { FORMATS } from '../api/version.js';
import type { State } from '../model/state/state.js';
import { formatDocument } from './document.js';

/**
 * The record that survives a reboot. @param bootId of the running kernel @param revision of the save that
 * writes it
 */
export function durableText(state: State, bootId: string, revision: number): string {
  const { rootId, networks, underlay, nodes, remoteFdb } = state;
  const isUsed = state.endpoints.length + state.sysctls.length > 0;
  return formatDocument({
    version: FORMATS.state,
    ...(revision > 0 && { revision }),
    ...(rootId !== undefined && { rootId }),
    networks,
    ...(underlay !== undefined && { underlay }),
    ...(nodes.length > 0 && { nodes }),
    ...(remoteFdb.length > 0 && { remoteFdb }),
    ...(isUsed && { usedIn: bootId }),
  });
}

/** The record that ends with the kernel it describes. @param revision of the save that writes it */
export function runtimeText(state: State, bootId: string, revision: number): string {
  const { rootId, netns, unfinished, untold, resolvedUnderlay, endpoints, staticFdb, sysctls } =
    state;
  return formatDocument({
    version: FORMATS.state,
    ...(revision > 0 && { revision }),
    bootId,
    ...(rootId !== undefined && { rootId }),
    ...(netns !== undefined && { netns }),
    ...(unfinished === true && { unfinished }),
    ...(untold === true && { untold }),
    ...(resolvedUnderlay !== undefined && { uplink: resolvedUnderlay }),
    endpoints,
    staticFdb,
    sysctls,
  });
}
