/** HTML report of a run, in one file: tables without scripts, and plots without external resources. */
import type { BenchResult, FigureResult, GoalResult } from '../../api/bench.js';
import { digits, SAYS } from './format.js';

/** Assets that are embedded in the report. */
export interface ReportParts {
  readonly plotCode: string;
  readonly plotStyle: string;
  readonly pageCode: string;
  readonly pageStyle: string;
}

const TITLES: Readonly<Record<string, string>> = {
  control: 'Control plane',
  program: 'Programs of the datapath',
  'same-node': 'Traffic on one node',
  overlay: 'Traffic between two nodes',
};

/** Generate the report. */
export function reportHtml(result: BenchResult, parts: ReportParts): string {
  const suites = [...new Set(result.figures.map(({ suite }) => suite))];
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:">
<title>dpctl bench, ${escaped(result.started)}</title>
<style>${parts.plotStyle}</style>
<style>${parts.pageStyle}</style>
</head>
<body>
<main>
<h1>dpctl bench</h1>
${introduction(result)}
${goals(result.goals)}
${comparison(result)}
${suites.map((suite) => suitePart(suite, result)).join('\n')}
${leftOut(result)}
</main>
<script type="application/json" id="run">${embedded(result)}</script>
<script>${scriptText(parts.plotCode)}</script>
<script>${scriptText(parts.pageCode)}</script>
</body>
</html>
`;
}

/** Escape text for HTML, including attributes. */
function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** JSON escaped so that it cannot end the script element that contains it. */
function embedded(result: BenchResult): string {
  return JSON.stringify(result).replaceAll('<', '\\u003c');
}

function scriptText(code: string): string {
  return code.replaceAll('</script', '<\\/script');
}

function percent(share: number): string {
  return `${Math.round(share * 100)}&nbsp;%`;
}

function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const head = heads.map((text) => `<th scope="col">${text}</th>`).join('');
  const body = rows
    .map((cells) => `<tr>${cells.map((cell) => `<td>${cell}</td>`).join('')}</tr>`)
    .join('\n');
  return `<div class="wide"><table><thead><tr>${head}</tr></thead><tbody>\n${body}\n</tbody></table></div>`;
}

function introduction(result: BenchResult): string {
  const { machine, noise, settings } = result;
  const facts: readonly (readonly [string, string])[] = [
    ['dpctl', result.dpctl],
    ['begun', result.started],
    ['run', `${result.quick ? 'quick' : 'full'}, ${result.seconds} s`],
    ['kernel', machine.kernel],
    ['CPU', `${machine.cpus} x ${machine.cpu}${machine.virtual ? ' (virtual)' : ''}`],
    ['memory', `${machine.memory} MB`],
    ['mitigations', machine.mitigations],
    ['Node.js', machine.node],
    ...(['before', 'after'] as const).map((when): readonly [string, string] => {
      const { busy, stolen, load } = noise[when];
      const shares = `${Math.round(busy * 100)} % busy, ${Math.round(stolen * 100)} % stolen`;
      return [`noise ${when}`, `${shares} while idle, load ${load.toFixed(1)}`];
    }),
    ...settings.map(({ suite, name, value }): readonly [string, string] => [
      suite === 'all' ? name : `${suite}: ${name}`,
      value,
    ]),
  ];
  const items = facts.map(([name, value]) => `<dt>${escaped(name)}</dt><dd>${escaped(value)}</dd>`);
  return `<p>Each figure was taken of all subjects in turn, round by round. A ratio is the median of
those of neighbours in time; behind it stands what it may be, 95 times of 100. Where that holds 1,
no difference was found.</p>
<details open><summary>Machine and settings</summary><dl>${items.join('')}</dl></details>`;
}

function goals(results: readonly GoalResult[]): string {
  if (results.length === 0) return '';
  const rows = results.map(({ reached, text, value, low, high }) => [
    `<b class="${reached}">${reached}</b>`,
    escaped(text),
    digits(value),
    `${digits(low)} to ${digits(high)}`,
  ]);
  return `<h2>Goals</h2>${table(['reached', 'goal', 'found', '95 %'], rows)}`;
}

function comparison({ compared }: BenchResult): string {
  if (compared === undefined) return '';
  const moved = compared.moved.filter(({ verdict }) => verdict !== 'none');
  const rows = moved.map(({ verdict, title, of, to, before, after, unit }) => [
    `<b class="${verdict}">${SAYS[verdict]}</b>`,
    escaped(title),
    escaped(to === '' ? of : `${of} / ${to}`),
    digits(before),
    digits(after),
    escaped(unit),
  ]);
  const notes = compared.notes.map((note) => `<p>${escaped(note)}</p>`).join('');
  const found =
    rows.length === 0
      ? `<p>Nothing moved, of ${compared.moved.length} figures.</p>`
      : table(['', 'figure', 'subject', 'before', 'after', 'unit'], rows);
  return `<h2>Moved since ${escaped(compared.started)}</h2>${notes}${found}`;
}

function suitePart(suite: string, { figures }: BenchResult): string {
  const own = figures.filter((figure) => figure.suite === suite);
  const hasRatios = own.some(({ ratios }) => ratios.length > 0);
  const plot = hasRatios ? `<div class="ratios" data-suite="${escaped(suite)}"></div>` : '';
  return `<h2>${escaped(TITLES[suite] ?? suite)}</h2>${plot}${own.map(figurePart).join('\n')}`;
}

function figurePart(figure: FigureResult): string {
  const { suite, id, title, unit, better, subjects, ratios } = figure;
  const rows = subjects.flatMap(({ name, median, spread }) => {
    const first = [escaped(name), digits(median), percent(spread)];
    const own = ratios.filter(({ of }) => of === name);
    if (own.length === 0) return [[...first, '', '', '', '']];
    return own.map(({ to, ratio, low, high, verdict }) => [
      ...first,
      escaped(to),
      digits(ratio),
      `${digits(low)} to ${digits(high)}`,
      `<b class="${verdict}">${SAYS[verdict]}</b>`,
    ]);
  });
  const heads = ['subject', `median${unit === '' ? '' : `, ${escaped(unit)}`}`, 'spread'];
  const more = subjects.some(({ samples }) => samples.length > 1)
    ? `<details class="rounds" data-suite="${escaped(suite)}" data-figure="${escaped(id)}"><summary>rounds</summary></details>`
    : '';
  return `<section><h3>${escaped(title)} <small>${better} is better</small></h3>${table(
    [...heads, 'against', 'ratio', '95 %', ''],
    rows,
  )}${more}</section>`;
}

function leftOut({ skipped, failures }: BenchResult): string {
  if (skipped.length + failures.length === 0) return '';
  const items = [
    ...skipped.map(({ what, why, hint }) => `${what}: ${why}${hint === '' ? '' : `; ${hint}`}`),
    ...failures.map(({ what, subject, message }) => `${what}, ${subject}: ${message}`),
  ];
  const list = items.map((item) => `<li>${escaped(item)}</li>`).join('');
  return `<h2>Left out, and failed</h2><ul>${list}</ul>`;
}
