/**
 * The vocabulary of the table of commands. Parser, help, completion, man page and docs/cli.md are
 * all made from values of these types, so that none of them can disagree with another.
 */

/** What the value of a flag or argument is completed with. */
export type Completion =
  | 'namespace'
  | 'endpoint'
  | 'network'
  | 'node'
  | 'device'
  | 'directory'
  | 'command';

/**
 * How a flag's text becomes a value: `boolean` takes none; `list` may be repeated and split by
 * commas; `switch-list` is a list whose value may be left out; `seconds` takes 300, 300s, 5m or 2h;
 * `mask` takes 16 or 0x10.
 */
export type FlagType = 'boolean' | 'text' | 'integer' | 'mask' | 'seconds' | 'list' | 'switch-list';

/** One flag. */
export interface Flag {
  /** Without the dashes. */
  readonly name: string;
  /** Name of the value in the options; the flag's name in camelCase when left out. */
  readonly key?: string;
  /** One letter. */
  readonly short?: string;
  readonly type: FlagType;
  /** What stands for the value in help: `NAME`, `ADDRESS`. */
  readonly placeholder?: string;
  /** All that it can be; of an integer, words that may stand for one. */
  readonly choices?: readonly string[];
  readonly summary: string;
  /** What holds when it is not given, for people; `on` makes the --no- form the one shown first. */
  readonly default?: string;
  /** --no-NAME undoes it: false, of a list as of a switch. */
  readonly negatable?: boolean;
  /** Shown first in help. */
  readonly common?: boolean;
  readonly completion?: Completion;
}

/** One positional argument. */
export interface Argument {
  /** As help shows it: NS, NAME. */
  readonly name: string;
  /** Name of the value in the arguments. */
  readonly key: string;
  readonly summary: string;
  readonly optional?: boolean;
  /** All words that follow, flags of other programs among them: `COMMAND...`. The last argument. */
  readonly rest?: boolean;
  readonly choices?: readonly string[];
  readonly completion?: Completion;
}

/** A command line to copy, and what it is for. */
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
  /** What the summary leaves open, a paragraph each. */
  readonly description?: readonly string[];
  readonly examples: readonly Example[];
  readonly args: readonly Argument[];
  readonly flags: readonly Flag[];
  /** Names of the row schemas of its data (schemas/), documented with it. */
  readonly schemas: readonly string[];
  /** It changes state: an interrupt is followed by advice. */
  readonly changes?: boolean;
  /** It runs until a signal ends it, and takes that itself. */
  readonly stays?: boolean;
  /** What finishes it after an interrupt is the command itself, not reconcile; with its --name. */
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

/** The options of a list of flags: a key is there only when the flag or its variable was given. */
export type FlagValues<F extends readonly Flag[]> = {
  readonly [One in F[number] as FlagKey<One>]?: FlagValue<One>;
};

/** The arguments of a list of positionals. */
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

/** The name under which a flag's value is found in the options. */
export function keyOf(flag: Flag): string {
  return flag.key ?? camelCase(flag.name);
}

/** The form of a flag that help shows first: `--no-lock` where the default is `on`. */
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
