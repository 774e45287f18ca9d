/** The records of a state as text. */
import { STATE_VERSION, type State } from '../model/state.js';
import { formatDocument } from './document.js';

/** What outlives a boot. */
export function durableText({ rootId, networks, underlay, nodes, remoteFdb }: State): string {
  return formatDocument({
    version: STATE_VERSION,
    ...(rootId !== undefined && { rootId }),
    networks,
    ...(underlay !== undefined && { underlay }),
    ...(nodes.length > 0 && { nodes }),
    ...(remoteFdb.length > 0 && { remoteFdb }),
  });
}

/** What ends with the kernel that it describes. */
export function runtimeText(state: State, bootId: string): string {
  const { rootId, unfinished, uplink, endpoints, staticFdb, sysctls } = state;
  return formatDocument({
    version: STATE_VERSION,
    bootId,
    ...(rootId !== undefined && { rootId }),
    ...(unfinished === true && { unfinished }),
    ...(uplink !== undefined && { uplink }),
    endpoints,
    staticFdb,
    sysctls,
  });
}
