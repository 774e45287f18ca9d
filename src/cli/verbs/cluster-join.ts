import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { DpctlError } from '../../../loader/errors.js';
import { run as command } from '../../../loader/hint.js';
import { CLUSTER_JOIN } from '../commands/cluster.js';
import type { Call } from '../parse.js';
import { oneOf } from '../render/render.js';
import { CLUSTER } from '../schemas/cluster.js';
import { ask, type Outcome, rounded, valuesOf } from './verb.js';

/** dpctl cluster join ENDPOINTS. */
export async function run(call: Call): Promise<Outcome> {
  const { args, options } = valuesOf(CLUSTER_JOIN, call);
  const { passwordFile, ca, cert, key, ...rest } = options;
  const password = passwordOf(passwordFile);
  // The agent has another working directory.
  const paths = Object.entries({ ca, cert, key }).flatMap(([name, path]) =>
    path === undefined ? [] : [[name, resolve(path)]],
  );
  const change = await ask(call, 'cluster join', {
    ...rest,
    ...Object.fromEntries(paths),
    endpoints: [args.endpoints],
    ...(password !== undefined && { password }),
  });
  const { name, endpoints, changed, notes, milliseconds } = change;
  return {
    data: oneOf(CLUSTER, { name, endpoints, changed, milliseconds: rounded(milliseconds) }),
    dataIfAsked: true,
    done: [
      `${changed ? 'joined' : 'unchanged: joined'} as ${name}: etcd at ${endpoints.join(', ')}`,
    ],
    notes,
  };
}

/** Never on the command line, where every user of the machine can read it. */
function passwordOf(file: string | undefined): string | undefined {
  const given = process.env.DPCTL_CLUSTER_PASSWORD;
  if (file === undefined) return given === '' ? undefined : given;
  try {
    return readFileSync(file, 'utf8').replace(/\r?\n$/, '');
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new DpctlError('BAD_VALUE', `--password-file: ${why}`, {
      exitCode: 1,
      hint: command`cluster join etcd://HOST:2379 --user NAME --password-file FILE`,
      cause,
    });
  }
}
