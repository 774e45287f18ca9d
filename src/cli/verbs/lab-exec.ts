import { LAB_EXEC } from '../commands/lab.js';
import type { Call } from '../parse.js';
import { type Outcome, valuesOf } from './verb.js';

/** dpctl lab exec WHERE COMMAND... */
export async function run(call: Call): Promise<Outcome> {
  const { args, options } = valuesOf(LAB_EXEC, call);
  const { findLabNamespace } = await import('../../lab/lab.js');
  const { labExec } = await import('../../lab/exec.js');
  const place = await findLabNamespace(call.globals.root, options.name ?? 'lab', args.where);
  // The terminal's interrupt reaches the program by itself, which decides what to do.
  process.removeAllListeners('SIGINT');
  process.on('SIGINT', () => undefined);
  const self = [process.execPath, process.argv[1] ?? ''];
  return { exitCode: await labExec(place, call.rest, self) };
}
