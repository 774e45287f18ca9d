/** One call of the plugin, from the runtime's words to the answer that is printed. */
import type { CniAnswer, CniCall } from '../../api/cni.js';
import { add } from './add.js';
import { check, status } from './check.js';
import { versionIn } from './config.js';
import { del, gc } from './del.js';
import type { Host } from './node.js';
import { atLeast, CODE, cniError, cniFailureOf, NEWEST, VERSIONS } from './protocol.js';
import { type CniRequest, readCall } from './request.js';
import { resultText } from './result.js';

type Verb = (host: Host, request: CniRequest) => Promise<object | undefined>;

const VERBS: Readonly<Record<string, Verb>> = {
  ADD: async (host, request) => resultText(await add(host, request), request.version),
  DEL: silent(del),
  CHECK: silent(since('0.4.0', check)),
  GC: silent(since('1.1.0', gc)),
  STATUS: silent(since('1.1.0', status)),
};

/** Carry out a call. Never throws: an error is the answer. */
export async function answerCni(host: Host, call: CniCall): Promise<CniAnswer> {
  if (call.command === 'VERSION') {
    return { success: true, output: { cniVersion: NEWEST, supportedVersions: VERSIONS } };
  }
  try {
    const verb = VERBS[call.command];
    if (verb === undefined) {
      throw cniError(
        CODE.BAD_ENVIRONMENT,
        `CNI_COMMAND=${JSON.stringify(call.command)} is none of ${Object.keys(VERBS).join(', ')}, VERSION`,
      );
    }
    const output = await verb(host, readCall(call));
    return { success: true, ...(output !== undefined && { output }) };
  } catch (error) {
    const output = { cniVersion: versionIn(call.config), ...cniFailureOf(error) };
    return { success: false, output };
  }
}

function silent(run: (host: Host, request: CniRequest) => Promise<void>): Verb {
  return async (host, request) => {
    await run(host, request);
    return undefined;
  };
}

/** A verb that older versions do not have. */
function since(
  version: '0.4.0' | '1.1.0',
  run: (host: Host, request: CniRequest) => Promise<void>,
): (host: Host, request: CniRequest) => Promise<void> {
  return async (host, request) => {
    if (!atLeast(request.version, version)) {
      throw cniError(
        CODE.INCOMPATIBLE_VERSION,
        `${request.call.command} exists since version ${version}`,
      );
    }
    await run(host, request);
  };
}
