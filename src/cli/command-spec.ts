/**
 * The vocabulary of the table of commands. Parser, help, completion, man page and docs/cli.md are all made
 * from values of these types, so that they always agree.
 */

/** How to complete the value of a flag or argument. */
export type Completion =
  | 'namespace'
  | 'endpoint'
  | 'network'
  | 'node'
  | 'device'
  | 'directory'
  | 'command';

/**
 * How a flag's text becomes a value: `boolean` takes none; `list` may be repeated and is split at commas;
 * `switch-list` is a list with an optional value; `seconds` takes 300, 300s, 5m or 2h; `mask` takes 16 or
 * 0x10.
 */
export type FlagType = 'boolean' | 'text' | 'integer' | 'mask' | 'seconds' | 'list' | 'switch-list';

/** One flag. */
export interface Flag {
  /** Without the dashes. */
  readonly name: string;
  /** Name of the value in the options; by default the flag's name in camelCase. */
  readonly key?: string;
  /** One letter. */
  readonly short?: string;
  readonly type: FlagType;
  /** Placeholder of the value in help: `NAME`, `ADDRESS`. */
  readonly placeholder?: string;
  /** All possible values; for an integer, words that may replace it. */
  readonly choices?: readonly string[];
  readonly summary: string;
  /** The default, as help shows it; `on` shows the --no- form first. */
  readonly default?: string;
  /** --no-NAME sets it to false, for lists as well as switches. */
  readonly negatable?: boolean;
  /** Shown first in help. */
  readonly common?: boolean;
  readonly completion?: Completion;
}

/** One positional argument. */
export interface Argument {
  /** Its name in help: NS, NAME. */
  readonly name: string;
  /** Name of the value in the arguments. */
  readonly key: string;
  readonly summary: string;
  readonly optional?: boolean;
  /**
   * Takes all following words, including flags of other programs: `COMMAND...`. Only for the last argument.
   */
  readonly rest?: boolean;
  readonly choices?: readonly string[];
  readonly completion?: Completion;
}

/** A command line to copy, and its purpose. */
export interface Example {
  readonly line: string;
  readonly text: string;
}

/** One command of the table. */
export interface Command {
  /** Its words: `attach`, `network add`. */
  readonly path: string;
  /** One line without a full stop. */
  readonly summary: string;
  /** Details beyond the summary, one paragraph each. */
  readonly description?: readonly string[];
  readonly examples: readonly Example[];
  readonly args: readonly Argument[];
  readonly flags: readonly Flag[];
  /** Names of the row schemas of its data (schemas/), documented with it. */
  readonly schemas: readonly string[];
  /** It changes state: an interrupt is followed by advice. */
  readonly changes?: boolean;
  /** It runs until a signal ends it, and handles the signal itself. */
  readonly stays?: boolean;
  /** After an interrupt, the command itself finishes it, not reconcile; the advice repeats its --name. */
  readonly repeats?: boolean;
  /** Left out of help and docs. */
  readonly hidden?: boolean;
}

type Camel<S extends string> = S extends `${infer Head}-${infer Tail}`
  ? `${Head}${Capitalize<Camel<Tail>>}`
  : S;

type FlagKey<F extends Flag> = F extends { readonly key: infer K extends string }
  ? K
  : Camel<F['name']>;

type FlagValue<F extends Flag> = F['type'] extends 'boolean'
  ? boolean
  : F['type'] extends 'integer' | 'mask' | 'seconds'
    ? number | ChoiceOf<F>
    : F['type'] extends 'list'
      ? readonly string[] | Negated<F>
      : F['type'] extends 'switch-list'
        ? true | readonly string[] | Negated<F>
        : [ChoiceOf<F>] extends [never]
          ? string
          : ChoiceOf<F>;

type ChoiceOf<F extends Flag> = F extends {
  readonly choices: readonly (infer C extends string)[];
}
  ? C
  : never;

type Negated<F extends Flag> = F extends { readonly negatable: true } ? false : never;

type ArgValue<A extends Argument> = A extends {
  readonly choices: readonly (infer C extends string)[];
}
  ? C
  : string;

/** The options for a list of flags: a key exists only if the flag or its variable was given. */
export type FlagValues<F extends readonly Flag[]> = {
  readonly [One in F[number] as FlagKey<One>]?: FlagValue<One>;
};

/** The arguments for a list of positionals. */
export type ArgValues<A extends readonly Argument[]> = {
  readonly [One in A[number] as One extends { readonly optional: true }
    ? never
    : One['key']]: ArgValue<One>;
} & {
  readonly [One in A[number] as One extends { readonly optional: true }
    ? One['key']
    : never]?: ArgValue<One>;
};

/** `dry-run` -> `dryRun`. */
export function camelCase(name: string): string {
  return name.replace(/-([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

/** The key of a flag's value in the options. */
export function keyOf(flag: Flag): string {
  return flag.key ?? camelCase(flag.name);
}

/** The form of a flag that help shows first: `--no-lock` if the default is `on`. */
export function shownForm(flag: Flag): string {
  return flag.negatable && flag.default === 'on' ? `no-${flag.name}` : flag.name;
}

/**
 * The environment variable of a flag.
 * @param path words of the command, or empty for a global flag
 * @returns DPCTL_NETWORK_ADD_SUBNET and the like
 */
export function envName(path: string, flag: Flag): string {
  return ['dpctl', ...path.split(' '), shownForm(flag)]
    .filter((word) => word !== '')
    .join('_')
    .replaceAll('-', '_')
    .toUpperCase();
}
