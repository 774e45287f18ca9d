/** One command line: words in, an exit code out. The only place that turns errors into output. */
import { DpctlError, EXIT_INTERRUPTED, errnoOf, INTERRUPTED } from '../../loader/errors.js';
import { run } from '../../loader/hint.js';
import { paintFor } from './color.js';
import { reportJson, reportOf, reportText } from './error-report.js';
import type { GlobalValues } from './global-flags.js';
import { hintReader } from './hints.js';
import type { Environment } from './options.js';
import { holdStdout, printable, writeStderr } from './output.js';
import { type Call, parse } from './parse.js';
import { verbOf } from './verbs/table.js';
import type { Outcome } from './verbs/verb.js';

/**
 * Run one command line.
 * @param words without the program's name
 * @returns the exit code; everything is written by then
 */
export async function runLine(words: readonly string[], env: Environment): Promise<number> {
  let asked: GlobalValues = guessGlobals(words, env);
  try {
    if (words[0] === '__complete') return await complete(words.slice(1));
    if (words[0] === 'cni' && env.CNI_COMMAND !== undefined) return await cni(env);
    const parsed = parse(words, env);
    if ('text' in parsed) return await emitText(parsed.text);
    const { call } = parsed;
    asked = call.globals;
    const verb = await verbOf(call.command.path);
    const deaf = call.command.stays ? () => {} : onInterrupt(call, env);
    const outcome = await verb(call);
    // From here on nothing changes, and an interrupt must also end a write without a reader.
    deaf();
    return await emit(outcome, call, env);
  } catch (error) {
    return await fail(error, asked, env);
  }
}

/** First all of the data, then the messages about it. */
async function emit(outcome: Outcome, call: Call, env: Environment): Promise<number> {
  const { globals } = call;
  const { data, dataIfAsked = false, done = [], notes = [], exitCode = 0 } = outcome;
  const asked = globals.json === true || globals.output !== undefined;
  const showData = data !== undefined && (asked || !dataIfAsked);
  const output = globals.json ? 'json' : (globals.output ?? 'table');
  if (showData) {
    const { render } = await import('./render/render.js');
    const sink = holdStdout();
    const form = { output, color: globals.color, env } as const;
    const count = await toStdout(
      async () => {
        const rows = await render(data, form, sink);
        sink.end();
        return rows;
      },
      lostBy(outcome, call),
    );
    const tabular = output === 'table' || output === 'wide';
    if (count === 0 && tabular && data.kind === 'rows' && data.schema.empty !== undefined) {
      writeStderr(`${hintReader(globals, env)(data.schema.empty)}\n`);
    }
  }
  const read = hintReader(globals, env);
  const remarks = notes.map((note) => `note: ${read(note)}`);
  const lines = [...(showData ? [] : done), ...remarks];
  if (lines.length > 0) writeStderr(`${lines.map(printable).join('\n')}\n`);
  return exitCode;
}

async function emitText(text: string): Promise<number> {
  const sink = holdStdout();
  return await toStdout(
    async () => {
      sink.write(text);
      sink.end();
      return 0;
    },
    (error) => {
      // The reader of help has seen enough (`dpctl --help | head`).
      if (errnoOf(error) === 'EPIPE') return 0;
      throw outputLost(error, 'nothing was to be done');
    },
  );
}

/** Run a section that writes to stdout; `lost` handles output that cannot be written. */
async function toStdout<T>(section: () => Promise<T>, lost: (error: DpctlError) => T): Promise<T> {
  try {
    return await section();
  } catch (error) {
    if (error instanceof DpctlError && error.code === 'OUTPUT_LOST') return lost(error);
    throw error;
  }
}

/** The command itself is done by then: report its change as made, although its output was lost. */
function lostBy({ done = [], exitCode }: Outcome, call: Call): (error: DpctlError) => never {
  const changes = call.command.changes === true && call.options.dryRun !== true;
  const what = changes ? `it is done: ${done.join('; ') || 'all of it'}` : 'nothing was changed';
  return (error) => {
    throw outputLost(error, what, done, exitCode);
  };
}

function outputLost(
  cause: DpctlError,
  what: string,
  done: readonly string[] = [],
  exitCode = 0,
): DpctlError {
  return new DpctlError('OUTPUT_LOST', `${cause.message}; ${what}`, {
    exitCode: exitCode === 0 ? 2 : exitCode,
    hint: 'free space, or send the output elsewhere',
    details: { ...cause.details, done },
  });
}

/** Runtimes read the answer, errors included, from standard output. */
async function cni(env: Environment): Promise<number> {
  const { readFileSync } = await import('node:fs');
  const { answerRuntime } = await import('./cni.js');
  const { text, exitCode } = await answerRuntime(env, readFileSync(0, 'utf8'));
  await emitText(text);
  return exitCode;
}

async function complete(words: readonly string[]): Promise<number> {
  const { completionLines } = await import('./completion/sources.js');
  return emitText(await completionLines(words));
}

async function fail(error: unknown, globals: GlobalValues, env: Environment): Promise<number> {
  const debug = !['', '0'].includes(env.DPCTL_DEBUG ?? '');
  const report = reportOf(error, debug, hintReader(globals, env));
  const json = globals.json === true || globals.output === 'json';
  writeStderr(
    json ? reportJson(report) : reportText(report, await paintFor(2, globals.color, env)),
  );
  return report.exitCode;
}

/**
 * An error outside of any awaited promise (a timer, a worker) ends the process as any other error does.
 * Otherwise Node would print it in its own form and exit with 1, which means bad usage here.
 */
export function watchCrashes(words: readonly string[], env: Environment): void {
  process.on('uncaughtException', (error) => {
    void fail(error, guessGlobals(words, env), env).then((code) => process.exit(code));
  });
}

/**
 * An interrupt ends the process at once; the next command finishes a half-done change.
 * @returns a function that restores the default handling
 */
function onInterrupt({ command, options, globals }: Call, env: Environment): () => void {
  const listener = (): void => {
    const name = options.name === undefined ? [] : ['--name', String(options.name)];
    const again = command.repeats ? run`${command.path.split(' ')} ${name}` : run`reconcile`;
    const hint = command.changes ? { hint: again } : {};
    const error = new DpctlError(INTERRUPTED, `dpctl ${command.path} was interrupted`, {
      exitCode: EXIT_INTERRUPTED,
      ...hint,
    });
    void fail(error, globals, env).then((code) => process.exit(code));
  };
  process.on('SIGINT', listener);
  return () => process.off('SIGINT', listener);
}

/** How to print errors of the command line itself: from what is known before it is parsed. */
function guessGlobals(words: readonly string[], env: Environment): GlobalValues {
  const text = ` ${words.join(' ')} `;
  const flag = / (-j|--json|-o ?json|--output[ =]json) /.test(text);
  const variable = env.DPCTL_OUTPUT === 'json' || env.DPCTL_JSON === '1';
  const json = flag || (variable && !/ (-o|--output)/.test(text));
  const when = / --color[ =](always|never) /.exec(text)?.[1] ?? env.DPCTL_COLOR;
  return when === 'always' || when === 'never' ? { json, color: when } : { json };
}
