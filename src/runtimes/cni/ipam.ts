/**
 * Addresses from another plugin (host-local, static, dhcp ...), called as the specification says.
 *
 * Source: CNI specification 1.1.0, section 4 (delegation).
 */
import { accessSync, constants } from 'node:fs';
import { basename, join } from 'node:path';
import { runFile } from '../../linux/command.js';
import { type CniFailure, CODE, cniError } from './protocol.js';
import type { CniRequest } from './request.js';
import { type CniResult, readResult } from './result.js';

/** Milliseconds for a plugin: dhcp waits for a server. */
const TIMEOUT = 60_000;

/** The delegated plugin's name; undefined: dpctl assigns addresses itself. */
export function delegateOf({ config }: CniRequest): string | undefined {
  const type = config.ipam?.type;
  return type === undefined || type === '' || type === 'dpctl' ? undefined : type;
}

/** Ask the delegated plugin for addresses. @throws its error */
export async function ipamAdd(request: CniRequest): Promise<CniResult> {
  return readResult(await callDelegate(request, 'ADD'));
}

/** Call the delegated plugin, if there is one. @throws its error */
export async function delegate(request: CniRequest, command: string): Promise<void> {
  if (delegateOf(request) !== undefined) await callDelegate(request, command);
}

async function callDelegate(request: CniRequest, command: string): Promise<object | undefined> {
  const name = delegateOf(request) ?? '';
  const { call } = request;
  const { code, stdout, stderr, timedOut } = await runFile(find(name, call.path ?? ''), [], {
    input: call.config,
    timeout: TIMEOUT,
    env: {
      CNI_COMMAND: command,
      CNI_CONTAINERID: call.containerId ?? '',
      CNI_NETNS: call.netns ?? '',
      CNI_IFNAME: call.ifname ?? '',
      CNI_ARGS: call.args ?? '',
      CNI_PATH: call.path ?? '',
    },
  });
  const answer = objectIn(stdout);
  if (code === 0) return answer;
  if (timedOut) {
    throw cniError(CODE.TRY_AGAIN, `IPAM plugin ${name}: no answer after ${TIMEOUT / 1000} s`);
  }
  const { code: number, msg, details } = (answer ?? {}) as Partial<CniFailure>;
  if (typeof number === 'number' && typeof msg === 'string') {
    throw cniError(number, `IPAM plugin ${name}: ${msg}`, details);
  }
  throw cniError(CODE.DELEGATE, `IPAM plugin ${name} failed`, stderr || stdout);
}

/** @throws an error with code 7 unless one of the directories has the plugin */
function find(name: string, path: string): string {
  if (basename(name) !== name) {
    throw cniError(CODE.BAD_CONFIG, `ipam.type ${JSON.stringify(name)} is not a name of a plugin`);
  }
  const found = path
    .split(':')
    .filter((directory) => directory.startsWith('/'))
    .map((directory) => join(directory, name))
    .find(isProgram);
  if (found !== undefined) return found;
  throw cniError(CODE.BAD_CONFIG, `IPAM plugin ${name} is not in CNI_PATH`, path);
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function objectIn(text: string): object | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}
