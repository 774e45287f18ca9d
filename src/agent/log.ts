/** The agent's log: one JSON object for each line for machines, text for users, both on stderr. */
import { writeSync } from 'node:fs';
import { type Logger, pino } from 'pino';
import { DpctlError } from '../../loader/errors.js';

export type { Logger } from 'pino';

/** Levels, the most verbose first. */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error';
export type LogFormat = 'auto' | 'json' | 'text';

/**
 * A log. The agent does not depend on its reader: lines that cannot be written are lost.
 * @param options.isTerminal whether stderr is one, which decides if the format is `auto`
 */
export function openLog(options: {
  readonly level: LogLevel;
  readonly format: LogFormat;
  readonly isTerminal: boolean;
  readonly write?: (line: string) => void;
}): Logger {
  const { level, format, isTerminal, write = toStderr } = options;
  const asText = format === 'text' || (format === 'auto' && isTerminal);
  return pino(
    {
      level,
      base: null,
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
    },
    { write: (line: string) => write(asText ? `${lineOf(line)}\n` : line) },
  );
}

function toStderr(line: string): void {
  try {
    writeSync(2, line);
  } catch {
    // Its reader is gone or slow; the agent goes on.
  }
}

/** `09:41:07.123 info  repaired: 3 steps took=12`, with the parts of a list on lines of their own. */
function lineOf(json: string): string {
  const { level, time, msg, ...rest } = JSON.parse(json) as Record<string, unknown>;
  const words: string[] = [];
  const lines: string[] = [];
  for (const [key, value] of Object.entries(rest)) {
    if (Array.isArray(value)) lines.push(...value.map((each) => `  ${plain(each)}`));
    else words.push(`${key}=${plain(value)}`);
  }
  const head = [String(time).slice(11, 23), String(level).padEnd(5), plain(msg), ...words].join(
    ' ',
  );
  return [head, ...lines].join('\n');
}

/** Names come from outside: keep each entry on one line. */
function plain(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  return text.replace(/[\u0000-\u001f\u007f-\u009f]/g, '?');
}

/** An error as fields of a log entry. */
export function errorFields(error: unknown): Record<string, unknown> {
  if (error instanceof DpctlError) return { code: error.code, error: error.message };
  if (error instanceof Error) return { code: 'BUG', error: error.stack ?? error.message };
  return { code: 'BUG', error: String(error) };
}
