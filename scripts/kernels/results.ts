/** Results of guests: the lines of a run, combined. */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { PARTS } from './core-parts.js';

/** One part of the core suite on one kernel. */
export interface PartResult {
  readonly part: string;
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly seconds: number;
  readonly failures: readonly string[];
  readonly skips: readonly string[];
}

/** A row of `dpctl status --features -j`. */
export interface FeatureAnswer {
  readonly feature: string;
  readonly here: boolean;
  readonly required: boolean;
  readonly since: string;
  readonly without: string;
}

/** One kernel's run. */
export interface KernelResult {
  /** The requested name: 6.1, newest. */
  readonly name: string;
  /** `uname -r`; empty if it never booted. */
  readonly release: string;
  /** Version of Debian's package. */
  readonly version: string;
  /** Why earlier attempts failed, and the last one, if it did. */
  readonly troubles: readonly string[];
  readonly seconds: number;
  readonly features: readonly FeatureAnswer[];
  readonly parts: readonly PartResult[];
  /** dpctl's message on a kernel that lacks too much. */
  readonly refusal: string;
  /** Its environment: processors, initial load, emulator. */
  readonly host: string;
  /** Leaks of the suite. */
  readonly leaks: readonly string[];
  /** Whether the guest finished, and whether it succeeded. */
  readonly ended: boolean;
  readonly finished: boolean;
}

/** Kernels that dpctl must refuse, by their requested names. Any other must work. */
const TOO_OLD: ReadonlySet<string> = new Set(['5.10']);

const OPTIONAL: ReadonlySet<string> = new Set(
  PARTS.filter(({ optional }) => optional).map(({ name }) => name),
);

/** The result of a kernel. */
export type Verdict = 'works' | 'refused' | 'FAILED';

/**
 * Whether there is no result for a kernel: it could not be fetched, or the emulator died before any part of
 * the suite had finished.
 */
export function isUnknown({ parts, ended }: KernelResult): boolean {
  return parts.length === 0 && !ended;
}

/** Whether the time-out came before the guest's tests had ended: the text of boot.sh. */
export function ranOutOfTime({ troubles, ended }: KernelResult): boolean {
  return !ended && (troubles.at(-1)?.includes('not finished after') ?? false);
}

/** Whether a kernel lacks something that dpctl requires. */
export function isTooOld(features: readonly FeatureAnswer[]): boolean {
  return features.some(({ here, required }) => required && !here);
}

/** Whether dpctl works on a kernel, or refuses it as it should. */
export function verdictOf({ name, features, finished, parts, leaks }: KernelResult): Verdict {
  const passed =
    finished &&
    parts.length > 0 &&
    leaks.length === 0 &&
    parts.every(
      ({ part, failed, passed: some, skipped }) =>
        failed === 0 && (some > 0 || (OPTIONAL.has(part) && skipped > 0)),
    );
  if (!passed || isTooOld(features) !== TOO_OLD.has(name)) return 'FAILED';
  return TOO_OLD.has(name) ? 'refused' : 'works';
}

/** All failures, for people. */
export function failuresOf({ name, features, parts, leaks, troubles }: KernelResult): string[] {
  return [
    ...troubles.map((trouble) => `boot: ${trouble}`),
    ...parts.flatMap(({ failures }) => failures),
    ...leaks.map((leak) => `left behind: ${leak}`),
    ...(isTooOld(features) && !TOO_OLD.has(name) ? ['dpctl refuses this kernel'] : []),
  ];
}

/**
 * The results in a folder, a file of lines for each kernel, oldest kernel first.
 * @param only names of kernels; all if empty
 */
export function readResults(folder: string, only: readonly string[]): KernelResult[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((file) => file.endsWith('.jsonl'))
    .map((file) => readResult(basename(file, '.jsonl'), readFileSync(join(folder, file), 'utf8')))
    .filter(({ name }) => only.length === 0 || only.includes(name))
    .sort((a, b) => a.release.localeCompare(b.release, 'en', { numeric: true }));
}

type Line = Readonly<Record<string, unknown>>;

/** Combine the lines of one run. An incomplete line is left out. */
export function readResult(name: string, text: string): KernelResult {
  const lines = text.split('\n').flatMap(parseLine);
  const last = (key: string): unknown => lines.findLast((line) => key in line)?.[key];
  const features = last('features');
  return {
    name,
    release: String(last('booted') ?? ''),
    version: String(last('version') ?? ''),
    troubles: lines.flatMap((line) => ('trouble' in line ? [String(line.trouble)] : [])),
    seconds: Number(last('total') ?? 0),
    features: Array.isArray(features) ? (features as FeatureAnswer[]) : [],
    parts: lines.filter((line) => 'part' in line) as unknown as PartResult[],
    refusal: String(last('refusal') ?? ''),
    host: String(last('host') ?? ''),
    leaks: (last('leaks') ?? []) as string[],
    ended: last('done') !== undefined,
    finished: last('done') === 0,
  };
}

function parseLine(text: string): Line[] {
  try {
    const line: unknown = JSON.parse(text);
    return typeof line === 'object' && line !== null ? [line as Line] : [];
  } catch {
    return [];
  }
}
