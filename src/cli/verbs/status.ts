import type { ProblemRow, StatusReport } from '../../api/status.js';
import { STATUS } from '../commands/observe.js';
import { hintReader } from '../hints.js';
import { printableLines } from '../output.js';
import type { Call } from '../parse.js';
import { listOf } from '../render/render.js';
import { tableLines } from '../render/table.js';
import { FACT, FEATURE } from '../schemas/control.js';
import { count } from './reconcile.js';
import { ask, type Outcome, valuesOf } from './verb.js';

/** Exit code of `status` when it found problems. */
const PROBLEMS = 4;

/** dpctl status. */
export async function run(call: Call): Promise<Outcome> {
  if (valuesOf(STATUS, call).options.features) return features();
  const found = await ask(call, 'status', {});
  const read = hintReader(call.globals, process.env);
  const problems = found.problems.map((problem) => ({ ...problem, fix: read(problem.fix) }));
  const report = { ...found, problems };
  const { healthy, facts } = report;
  return {
    data: {
      kind: 'report',
      value: { healthy, problems, facts },
      names: problems.map(({ code }) => code),
      text: (bold) => statusText(report, bold),
    },
    exitCode: healthy ? 0 : PROBLEMS,
  };
}

/** Asks only the kernel: works without an installation, and before anything is installed. */
async function features(): Promise<Outcome> {
  const { featureRows } = await import('../../datapath/features.js');
  const rows = featureRows();
  const usable = rows.every(({ here, required }) => here || !required);
  return { data: listOf(FEATURE, rows), exitCode: usable ? 0 : PROBLEMS };
}

/** Facts as a table, then each problem with its remedy, then the verdict. */
function statusText(
  {
    healthy,
    problems,
    facts,
  }: Omit<StatusReport, 'problems'> & { readonly problems: readonly ProblemRow[] },
  bold: (text: string) => string,
): string {
  const table = tableLines(FACT.columns, facts, (text) => text.length, bold);
  const found = problems.map(({ code, subject, message, fix }) =>
    printableLines(
      `problem[${code}]: ${subject === '' ? '' : `${subject}: `}${message}\n${fix === '' ? '' : `try: ${fix}\n`}`,
    ),
  );
  return [
    table.lines(facts),
    found.length === 0 ? '' : '\n',
    ...found,
    '\n',
    healthy ? 'healthy\n' : `${count(problems.length, 'problem')}\n`,
  ].join('');
}
