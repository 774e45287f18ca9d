/**
 * Named points at which a test can stop a command as a crash would (DPCTL_FAULT=NAME) or make
 * it fail (DPCTL_FAULT_ERROR=NAME), to prove that the next command finds its way.
 *
 * Names: `node.prepared` (directories and mounts are there), `node.installed` (tables and programs,
 * too), `store.intent` (the desired state is about to be written), `step.N` (step N of the
 * plan, from 0, is about to be taken), `store.ready` (all steps are done and not recorded),
 * `done` (recorded), `undo.N` (step N is about to be taken back); of a reset, `reset.N` (step N of what
 * is outside of its directories) and `dismantle.N` (these). Several with commas between.
 */
import { DpctlError } from '../../../loader/errors.js';

/** Stop or fail here when the environment asks for it. */
export function faultPoint(name: string): void {
  if (isAsked('DPCTL_FAULT', name)) process.kill(process.pid, 'SIGKILL');
  if (isAsked('DPCTL_FAULT_ERROR', name)) {
    throw new DpctlError('FAULT', `asked to fail at ${name} by DPCTL_FAULT_ERROR`, { exitCode: 2 });
  }
}

function isAsked(variable: string, name: string): boolean {
  return process.env[variable]?.split(',').includes(name) === true;
}
