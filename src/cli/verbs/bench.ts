import { BENCH } from '../commands/bench.js';
import type { Call } from '../parse.js';
import { showProgress } from '../progress.js';
import { benchText } from '../render/bench.js';
import { VERSION } from '../version.js';
import { type Outcome, valuesOf } from './verb.js';

/** Exit code of `--compare` when a figure got worse. */
const WORSE = 4;

/** dpctl bench. */
export async function run(call: Call): Promise<Outcome> {
  const { quick, only, html, compare } = valuesOf(BENCH, call).options;
  const { bench } = await import('../../bench/bench.js');
  const { compare: comparison } = await import('../../bench/report/compare.js');
  const { readResult } = await import('../../bench/report/schema.js');
  const { reportFile } = await import('../../bench/report/output-file.js');
  // Report unreadable or unwritable files now, not after ten minutes.
  const before = compare === undefined ? undefined : readResult(compare);
  const report = html === undefined ? undefined : reportFile(html);
  const progress = showProgress();
  const program = [process.execPath, process.argv[1] ?? ''];
  try {
    const measured = await bench({ quick, only, program, version: VERSION, progress });
    const compared = before && comparison(before, measured);
    const result = { ...measured, ...(compared && { compared }) };
    report?.write(result);
    const worse = compared?.moved.some(({ verdict }) => verdict === 'worse') ?? false;
    return {
      data: {
        kind: 'report',
        value: result,
        names: result.figures.map(({ suite, id }) => `${suite} ${id}`),
        text: (bold) => benchText(result, bold),
      },
      notes: html === undefined ? [] : [`report written to ${html}`],
      exitCode: worse ? WORSE : 0,
    };
  } finally {
    progress.end();
  }
}
