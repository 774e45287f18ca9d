/** Namespaces that a suite has to itself, on a machine that others use. */

import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';

/** Set where a process runs in such namespaces: every process there is the suite's. */
const MARK = 'DPCTL_TEST_PRIVATE';

/** Whether this process runs where nobody else is. */
export const isPrivate = (): boolean => process.env[MARK] === '1';

/**
 * A command that runs another one in network, mount, pid, ipc and uts namespaces of its own, with
 * /run, /tmp, /var/lib/dpctl, the bpffs and the named namespaces empty. All that runs in there ends
 * with the process that was started, or with the caller.
 * @param root the repository's folder, which stays visible
 * @param argv what is to be run
 */
export function privateCommand(root: string, argv: readonly string[]): [string, ...string[]] {
  return [
    'setpriv',
    ...['--pdeathsig', 'KILL'],
    'unshare',
    ...['--mount', '--net', '--pid', '--ipc', '--uts'],
    ...['--fork', '--kill-child', '--mount-proc', '--propagation', 'private'],
    ...['--', 'bash', join(root, 'scripts/test/private-namespaces.sh'), root],
    ...[dirname(dirname(process.execPath)), '--', 'env', `${MARK}=1`],
    ...argv,
  ];
}

/** Why this machine gives a suite no namespaces of its own; nothing where it does. */
export function whyNotPrivate(root: string): string | undefined {
  const [command, ...args] = privateCommand(root, ['true']);
  const { status, stderr, error } = spawnSync(command, args, {
    encoding: 'utf8',
    timeout: 60_000,
    killSignal: 'SIGKILL',
  });
  if (status === 0) return undefined;
  return error?.message ?? (stderr.trim() || `${command} ended with ${status}`);
}
