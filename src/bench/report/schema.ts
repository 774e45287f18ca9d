/** Schema of the result document, for readers and to validate earlier runs. */

import { readFileSync } from 'node:fs';
import * as z from 'zod/mini';
import { DpctlError } from '../../../loader/errors.js';
import { advice, run } from '../../../loader/hint.js';
import { type BenchResult, SUITES } from '../../api/bench.js';
import { FORMATS } from '../../api/version.js';

const text = z.string();
const number = z.number();
const suite = z.enum(SUITES);
const better = z.enum(['higher', 'lower']);
const verdict = z.enum(['better', 'worse', 'none']);
const interval = { low: number, high: number };
const noise = z.object({ load: number, busy: number, stolen: number });

const DOCUMENT = z.object({
  format: z.literal(FORMATS.bench),
  dpctl: text,
  started: text,
  seconds: number,
  quick: z.boolean(),
  machine: z.object({
    ...{ kernel: text, cpu: text, cpus: number, memory: number, virtual: z.boolean() },
    ...{ mitigations: text, node: text },
  }),
  noise: z.object({ before: noise, after: noise }),
  settings: z.array(z.object({ suite: z.enum([...SUITES, 'all']), name: text, value: text })),
  figures: z.array(
    z.object({
      ...{ suite, id: text, title: text, unit: text, better, about: z.array(text) },
      subjects: z.array(
        z.object({
          ...{ name: text, samples: z.array(z.nullable(number)) },
          ...{ median: number, ...interval, spread: number },
        }),
      ),
      ratios: z.array(
        z.object({ of: text, to: text, ratio: number, ...interval, rounds: number, verdict }),
      ),
    }),
  ),
  goals: z.array(
    z.object({
      ...{ text, figure: text, value: number, ...interval },
      reached: z.enum(['yes', 'no', 'unsure']),
    }),
  ),
  skipped: z.array(z.object({ suite, what: text, why: text, hint: text })),
  failures: z.array(z.object({ suite, what: text, subject: text, message: text })),
  compared: z.optional(
    z.object({
      started: text,
      notes: z.array(text),
      moved: z.array(
        z.object({
          ...{ suite, figure: text, title: text, unit: text, of: text, to: text },
          ...{ before: number, after: number, verdict },
        }),
      ),
    }),
  ),
});

type Frozen<T> = T extends readonly (infer Item)[]
  ? readonly Frozen<Item>[]
  : T extends object
    ? { readonly [Key in keyof T]: Frozen<T[Key]> }
    : T;

/** Compile-time check that the schema and the type of the results have the same fields. */
const RESULT: BenchResult extends Frozen<z.infer<typeof DOCUMENT>>
  ? z.ZodMiniType<BenchResult>
  : never = DOCUMENT;

/** JSON Schema of the document: docs/bench.schema.json. */
export function resultSchema(): object {
  return z.toJSONSchema(RESULT);
}

/**
 * Read and validate an earlier run.
 * @throws DpctlError BENCH_FILE, exit 1, with the reason
 */
export function readResult(path: string): BenchResult {
  const refuse = (why: string, cause?: unknown): DpctlError =>
    new DpctlError('BENCH_FILE', `${path}: ${why}`, {
      exitCode: 1,
      hint: advice`${run`bench -o json`} > FILE makes one`,
      cause,
    });
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, 'utf8'));
  } catch (cause) {
    throw refuse('no run can be read from it', cause);
  }
  const parsed = RESULT.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const format = (value as { readonly format?: unknown } | null)?.format;
  if (typeof format === 'number' && format > FORMATS.bench) throw refuse(`a newer dpctl wrote it`);
  throw refuse(`it is no run of dpctl bench (${issue?.path.join('.')}: ${issue?.message})`);
}
