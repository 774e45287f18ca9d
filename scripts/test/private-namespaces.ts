/** Private namespaces for a suite, on a machine that others use. */

import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';

/** Set in processes inside such namespaces: every process there belongs to the suite. */
const MARK = 'DPCTL_TEST_PRIVATE';

/** Whether this process runs in private namespaces. */
export const isPrivate = (): boolean => process.env[MARK] === '1';

/**
 * A command that runs another one in its own network, mount, pid, ipc and uts namespaces, with /run, /tmp,
 * /var/lib/dpctl, the bpffs and the named namespaces empty. All processes inside end with the started
 * process, or with the caller.
 * @param root the repository's folder, which stays visible
 * @param argv the command to run
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

/** Why this machine cannot give a suite private namespaces; undefined if it can. */
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
