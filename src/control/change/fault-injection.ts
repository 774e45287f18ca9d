/**
 * Named points at which a test can stop a command as a crash would (DPCTL_FAULT=NAME) or make it fail
 * (DPCTL_FAULT_ERROR=NAME), to prove that the next command recovers.
 *
 * Names: `node.prepared` (directories and mounts exist), `node.installed` (tables and programs too),
 * `store.intent` (before the desired state is written), `step.N` (before step N of the plan, from 0),
 * `store.ready` (all steps are done and not recorded), `done` (recorded), `undo.N` (before step N is undone), `promote` (before a link
 * replaces a filter);
 * in a reset, `reset.N` (step N outside of its directories) and `dismantle.N` (step N inside). Commas
 * separate several.
 */
import { DpctlError } from '../../../loader/errors.js';

/** Stop or fail here if the environment asks for it. */
export function faultPoint(name: string): void {
  if (isAsked('DPCTL_FAULT', name)) process.kill(process.pid, 'SIGKILL');
  if (isAsked('DPCTL_FAULT_ERROR', name)) {
    throw new DpctlError('FAULT', `asked to fail at ${name} by DPCTL_FAULT_ERROR`, { exitCode: 2 });
  }
}

function isAsked(variable: string, name: string): boolean {
  return process.env[variable]?.split(',').includes(name) === true;
}
