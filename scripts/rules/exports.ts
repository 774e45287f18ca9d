/** Rules on what modules export. */

import { importsOf } from './imports.js';
import { lineAt, type SourceFile, type Violation, withoutComments } from './source.js';

const EXPORTED = /^export (?:async )?(?:function\*?|const|let) (\w+)/gm;
/** Generated from the whole contract, or a module whose callers do not exist yet. */
const EXEMPT = /^src\/(contract\/generated\.ts|store\/etcd\/.*)$/;

/**
 * A function or value that is exported, but that no other file names, tests included: it is dead, or
 * private to its module. Types are exempt, since exported functions may have them in their signatures.
 */
export function deadExport(files: readonly SourceFile[]): Violation[] {
  const sources = files
    .filter(({ path }) => /\.(ts|mjs)$/.test(path))
    .map(({ path, text }) => ({ path, code: withoutComments(text) }));
  const users = usersOfNames(sources);
  const whole = importedWhole(files);
  return sources
    .filter(({ path }) => /^(src|loader)\//.test(path) && !EXEMPT.test(path) && !whole.has(path))
    .flatMap(({ path, code }) =>
      [...code.matchAll(EXPORTED)]
        .filter(([, name = '']) => users.get(name) === path)
        .map(({ 1: name, index }) => ({
          ...{ path, line: lineAt(code, index) },
          message: `${name} is exported and used nowhere else: delete it, or export it no more`,
        })),
    );
}

/** For each name, the only file that has it; undefined if there are several. */
function usersOfNames(
  sources: readonly { readonly path: string; readonly code: string }[],
): ReadonlyMap<string, string | undefined> {
  const users = new Map<string, string | undefined>();
  for (const { path, code } of sources) {
    for (const name of new Set(code.match(/\w+/g))) {
      users.set(name, users.has(name) ? undefined : path);
    }
  }
  return users;
}

/** Modules that are imported as `* as name`: all of their exports may be used. */
function importedWhole(files: readonly SourceFile[]): ReadonlySet<string> {
  const wholesale = files.filter(
    ({ path, text }) => path.endsWith('.ts') && /\bimport \* as \w+ from '\./.test(text),
  );
  return new Set(
    wholesale.flatMap((file) => importsOf(file).flatMap(({ target }) => target ?? [])),
  );
}
