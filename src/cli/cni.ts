/** The CNI plugin without its client: what a runtime says in its environment, answered on standard output. */
import { statSync } from 'node:fs';
import type { CniCall } from '../api/cni.js';
import type { OperationName, RequestOf, ResultOf } from '../api/operations.js';
import type { Ask } from '../runtimes/cni/node.js';
import type { Environment } from './options.js';

/** @returns the text to print, and the exit code */
export async function answerRuntime(
  env: Environment,
  config: string,
): Promise<{ readonly text: string; readonly exitCode: number }> {
  const { answerCni } = await import('../runtimes/cni/cni.js');
  const host = { ask: asking(env) };
  const { success, output } = await answerCni(host, callOf(env, config));
  const text = output === undefined ? '' : `${JSON.stringify(output)}\n`;
  return { text, exitCode: success ? 0 : 1 };
}

function callOf(env: Environment, config: string): CniCall {
  const netns = env.CNI_NETNS ?? '';
  const file = netns === '' ? undefined : statSync(netns, { bigint: true, throwIfNoEntry: false });
  return {
    command: env.CNI_COMMAND ?? '',
    containerId: env.CNI_CONTAINERID ?? '',
    netns,
    ...(file !== undefined && { netnsFile: `${file.dev}:${file.ino}` }),
    ifname: env.CNI_IFNAME ?? '',
    args: env.CNI_ARGS ?? '',
    path: env.CNI_PATH ?? '',
    config,
  };
}

/** Operations here, on the node of DPCTL_ROOT. */
function asking(env: Environment): Ask {
  return async <Name extends OperationName>(
    name: Name,
    request: RequestOf<Name>,
  ): Promise<ResultOf<Name>> => {
    const { openNode } = await import('../control/node/node.js');
    const { perform } = await import('../agent/operations.js');
    const root = env.DPCTL_ROOT ?? '';
    const node = openNode(root === '' ? {} : { root });
    try {
      return await perform(node, name, request);
    } finally {
      node.close();
    }
  };
}
