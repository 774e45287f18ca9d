/**
 * From texts (flags, variables) to the options of a command: flag, then variable. Defaults belong to the code
 * that uses the values.
 */

import { resolve } from 'node:path';
import { DpctlError } from '../../loader/errors.js';
import type { Hint } from '../../loader/hint.js';
import { closestWord } from '../linux/suggest.js';
import { envName, type Flag, keyOf } from './command-spec.js';

/** The parser's result for a flag: true or false for a switch, texts for a flag with a value. */
export type Given = boolean | string | readonly string[];

export type Environment = Readonly<Record<string, string | undefined>>;

const SECONDS_PER: Readonly<Record<string, number>> = { '': 1, s: 1, m: 60, h: 3600, d: 86_400 };

/**
 * The options of a command.
 * @param path words of the command, empty for global flags
 * @param given by key of the flag; flags that were not given are missing
 * @throws DpctlError BAD_VALUE, exit 1, naming the flag or the variable
 */
export function resolveOptions(
  path: string,
  flags: readonly Flag[],
  given: ReadonlyMap<string, Given>,
  env: Environment,
): Readonly<Record<string, unknown>> {
  const options: Record<string, unknown> = {};
  for (const flag of flags) {
    const key = keyOf(flag);
    const value = given.get(key);
    if (value !== undefined) {
      options[key] = convert(flag, value, `--${flag.name}`);
      continue;
    }
    const name = envName(path, flag);
    const text = env[name];
    // An empty variable counts as unset: `DPCTL_ROOT= dpctl ...` is how shells unset one.
    if (text !== undefined && text !== '') options[key] = fromVariable(flag, name, text);
  }
  return Object.freeze(options);
}

function fromVariable(flag: Flag, name: string, text: string): unknown {
  if (flag.type === 'boolean') {
    const on = switchOf(text, name);
    return flag.negatable && flag.default === 'on' ? !on : on;
  }
  if (flag.negatable && isSwitch(text) && !switchOf(text, name)) return false;
  if (flag.type === 'switch-list' && isSwitch(text)) return switchOf(text, name) || [];
  return convert(flag, flag.type === 'text' ? text : [text], name);
}

const isSwitch = (text: string): boolean => /^(1|0|true|false|yes|no|on|off)$/i.test(text);

function switchOf(text: string, name: string): boolean {
  if (!isSwitch(text)) {
    throw badValue(`${name}: "${text}" is neither yes nor no`, `${name}=1, or unset ${name}`);
  }
  return /^(1|true|yes|on)$/i.test(text);
}

function convert(flag: Flag, value: Given, source: string): unknown {
  if (typeof value === 'boolean') return value;
  const texts = typeof value === 'string' ? [value] : value;
  const last = texts.at(-1) ?? '';
  switch (flag.type) {
    case 'integer':
      return flag.choices?.includes(last) === true ? last : integer(last, source, flag.choices);
    case 'mask':
      return mask(last, source);
    case 'seconds':
      return seconds(last, source);
    case 'list':
      return splitList(texts, source);
    case 'switch-list':
      return texts.some((text) => text !== '')
        ? splitList(
            texts.filter((text) => text !== ''),
            source,
          )
        : true;
    default:
      if (flag.completion === 'directory') return directory(last, source);
      return oneOf(last, flag.choices, source, (choice) =>
        source.startsWith('-') ? `${source} ${choice}` : `${source}=${choice}`,
      );
  }
}

/** Made absolute, so that it means the same directory later and in other processes. */
function directory(text: string, source: string): string {
  if (text === '')
    throw badValue(`${source}: an empty path`, `no ${source} at all, or ${source} DIR`);
  return resolve(text);
}

function integer(text: string, source: string, words: readonly string[] = []): number {
  if (!/^[0-9]{1,15}$/.test(text)) {
    const hint = ['digits only, such as 1450', ...words].join(', or ');
    throw badValue(`${source}: "${text}" is not a whole number`, hint);
  }
  return Number(text);
}

function mask(text: string, source: string): number {
  if (!/^(0x[0-9a-f]{1,8}|[0-9]{1,9})$/i.test(text)) {
    throw badValue(
      `${source}: "${text}" is not a mask`,
      `bits as one number, such as ${source} 0x4008`,
    );
  }
  return Number(text);
}

function seconds(text: string, source: string): number {
  const match = /^([0-9]{1,12})([smhd]?)$/.exec(text);
  if (match === null) {
    throw badValue(`${source}: "${text}" is not a time`, `300, 300s, 5m or 2h`);
  }
  return Number(match[1]) * (SECONDS_PER[match[2] ?? ''] ?? 1);
}

function splitList(texts: readonly string[], source: string): string[] {
  const parts = texts.flatMap((text) => text.split(',')).map((part) => part.trim());
  if (parts.some((part) => part === '')) {
    throw badValue(`${source}: an empty value`, `no ${source} at all, or one with a value`);
  }
  return parts;
}

/**
 * A text that must be one of a few.
 * @param what names it in the message: `--output`, `TABLE`
 * @param write the part of the command line with a choice in it, for the hint
 * @throws DpctlError BAD_VALUE, exit 1, with the nearest choice as the hint
 */
export function oneOf(
  text: string,
  choices: readonly string[] | undefined,
  what: string,
  write: (choice: string) => Hint,
): string {
  if (choices === undefined || choices.includes(text)) return text;
  const near = closestWord(text, choices);
  throw badValue(
    `${what}: "${text}" is not one of ${choices.join(', ')}`,
    near === undefined ? `one of ${choices.join(', ')}` : write(near),
  );
}

function badValue(message: string, hint: Hint): DpctlError {
  return new DpctlError('BAD_VALUE', message, { exitCode: 1, hint });
}
