/** Tables of the kernel matrix: for a terminal, and in Markdown for docs/kernels.md. */

import { PARTS, REFUSAL } from './core-parts.js';
import { failuresOf, type KernelResult, type PartResult, verdictOf } from './results.js';

const ALL = [...PARTS, REFUSAL];

/** Columns padded to their widest value; the first line is the head. */
export function textTable(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, i) => Math.max(...rows.map((row) => row[i]?.length ?? 0)));
  return rows
    .map((row) =>
      row
        .map((cell, i) => cell.padEnd(widths[i] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

function markdownTable(rows: readonly (readonly string[])[]): string {
  const [head = [], ...rest] = rows;
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rest.map(line)].join('\n');
}

/** `31`, `31 (2 skipped)`, `29, 2 FAILED`. */
function partText(part: PartResult | undefined): string {
  if (part === undefined) return '-';
  const skipped = part.skipped > 0 ? ` (${part.skipped} skipped)` : '';
  return part.failed > 0
    ? `${part.passed}${skipped}, ${part.failed} FAILED`
    : `${part.passed}${skipped}`;
}

function secondsRows(results: readonly KernelResult[]): string[][] {
  const seconds = (result: KernelResult, name: string): string =>
    String(result.parts.find(({ part }) => part === name)?.seconds ?? '-');
  return [
    ['kernel', ...ALL.map(({ name }) => name), 'in all', 'where'],
    ...results.map((result) => [
      result.name,
      ...ALL.map(({ name }) => seconds(result, name)),
      String(result.seconds),
      result.host,
    ]),
  ];
}

function matrixRows(results: readonly KernelResult[]): string[][] {
  return [
    ['kernel', 'release', 'verdict', ...ALL.map(({ name }) => name), 'seconds'],
    ...results.map((result) => [
      result.name,
      result.release === '' ? 'not up' : result.release,
      verdictOf(result),
      ...ALL.map(({ name }) => partText(result.parts.find(({ part }) => part === name))),
      String(result.seconds),
    ]),
  ];
}

/** The output at the end of a run. */
export function summary(results: readonly KernelResult[]): string {
  const failures = results.flatMap((result) =>
    failuresOf(result).map((failure) => `${result.name}: ${failure}`),
  );
  return `${[textTable(matrixRows(results)), ...failures].join('\n')}\n`;
}

function featureRows(results: readonly KernelResult[]): string[][] {
  const known = results.find(({ features }) => features.length > 0)?.features ?? [];
  const here = (result: KernelResult, name: string): string => {
    const answer = result.features.find(({ feature }) => feature === name);
    return answer === undefined ? '?' : answer.here ? 'yes' : 'no';
  };
  return [
    ['feature', ...results.map(({ name }) => name), 'without it'],
    ...known.map(({ feature, without }) => [
      `\`${feature}\``,
      ...results.map((result) => here(result, feature)),
      without,
    ]),
  ];
}

/** Titles with the kernels that they concern, each once. */
function grouped(
  results: readonly KernelResult[],
  titles: (result: KernelResult) => readonly string[],
): string[] {
  const kernels = new Map<string, Set<string>>();
  for (const result of results) {
    for (const title of titles(result)) {
      kernels.set(title, (kernels.get(title) ?? new Set()).add(result.name));
    }
  }
  return [...kernels].map(([title, names]) => `- ${title} (${[...names].join(', ')})`);
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : ['', title, '', ...lines];
}

/** The part of docs/kernels.md that runs write. */
export function markdown(results: readonly KernelResult[]): string {
  return [
    markdownTable(matrixRows(results)),
    '',
    ...ALL.map(({ name, shows }) => `- **${name}**: ${shows}`),
    ...section(
      'What dpctl says where too much is missing, and changes nothing:',
      results
        .filter(({ refusal }) => refusal !== '')
        .map(({ name, refusal }) => `${name}: \`${refusal}\``),
    ),
    ...section('What failed:', grouped(results, failuresOf)),
    ...section(
      'What was skipped, and why:',
      grouped(results, ({ parts }) => parts.flatMap(({ skips }) => skips)),
    ),
    '',
    'Seconds that each took, with the boot, in emulation:',
    '',
    markdownTable(secondsRows(results)),
    '',
    'The features, found out by trying them (`dpctl status --features`):',
    '',
    markdownTable(featureRows(results)),
  ].join('\n');
}
