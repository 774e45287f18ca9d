/** A call whose environment was checked. */
import { statSync } from 'node:fs';
import type { CniCall } from '../../api/cni.js';
import { type ReadConfig, readConfig } from './config.js';
import { CODE, cniError } from './protocol.js';

/** Identifies an attachment: CNI's key. */
export interface Attachment {
  readonly container: string;
  readonly ifname: string;
}

/** A call with its configuration, and the key if the verb has one. */
export interface CniRequest extends ReadConfig {
  readonly call: CniCall;
  /** Values of CNI_ARGS by key. */
  readonly args: ReadonlyMap<string, string>;
}

const CONTAINER = /^[A-Za-z0-9][A-Za-z0-9_.-]*$/;
/** IFNAMSIZ less the final zero; the kernel refuses slashes, colons and white space. */
const IFNAME = /^[^\s/:]{1,15}$/;

/** @throws an error with code 1, 4, 6 or 7 */
export function readCall(call: CniCall): CniRequest {
  return { ...readConfig(call.config), call, args: argsOf(call.args ?? '') };
}

/** The key. @throws an error with code 4 */
export function attachmentOf({ containerId = '', ifname = '' }: CniCall): Attachment {
  if (!CONTAINER.test(containerId)) throw bad('CNI_CONTAINERID', containerId);
  if (!IFNAME.test(ifname) || ifname === '.' || ifname === '..') throw bad('CNI_IFNAME', ifname);
  return { container: containerId, ifname };
}

/**
 * The path of the container's namespace.
 * @throws an error with code 4 if none is given, or if the path means another file here than to the caller
 */
export function netnsOf({ netns = '', netnsFile }: CniCall): string {
  if (netns === '') throw bad('CNI_NETNS', netns);
  if (!netns.startsWith('/')) throw bad('CNI_NETNS', netns);
  if (netnsFile === undefined) return netns;
  const { dev, ino } = fileAt(netns);
  if (`${dev}:${ino}` === netnsFile) return netns;
  throw cniError(
    CODE.BAD_ENVIRONMENT,
    `${netns} is another file for the agent than for the runtime`,
    'the agent is in another mount namespace: share /run/netns with it (mount propagation HostToContainer)',
  );
}

function fileAt(path: string): { readonly dev: bigint; readonly ino: bigint } {
  return statSync(path, { bigint: true, throwIfNoEntry: false }) ?? { dev: 0n, ino: 0n };
}

function bad(name: string, value: string): Error {
  return cniError(
    CODE.BAD_ENVIRONMENT,
    value === '' ? `${name} is not set` : `${name}=${JSON.stringify(value)} is invalid`,
  );
}

/** `KEY=VALUE;KEY=VALUE`. @throws an error with code 4 */
function argsOf(text: string): ReadonlyMap<string, string> {
  const args = new Map<string, string>();
  for (const part of text.split(';').filter((each) => each !== '')) {
    const at = part.indexOf('=');
    if (at < 1) throw bad('CNI_ARGS', text);
    args.set(part.slice(0, at), part.slice(at + 1));
  }
  return args;
}
