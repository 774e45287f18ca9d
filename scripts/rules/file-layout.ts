/** Rules on where files are, so that a newcomer finds them in one guess. */

import { posix } from 'node:path';
import { codeOf, type SourceFile, type Violation } from './source.js';

/** Maximum number of modules in one folder of src/ or loader/: more than that are two subjects. */
const FOLDER_FILES = 16;
/** One file for each verb, found by its name: this folder is not read from top to bottom. */
const MAY_BE_FULL = 'src/cli/verbs';

/** Folders with too many modules. */
export function overfull(files: readonly SourceFile[]): Violation[] {
  const folders = new Map<string, string[]>();
  for (const { path } of modules(files)) {
    const folder = posix.dirname(path);
    folders.set(folder, [...(folders.get(folder) ?? []), path]);
  }
  return [...folders].flatMap(([folder, paths]) => {
    if (folder === MAY_BE_FULL || paths.length <= FOLDER_FILES) return [];
    const message = `${folder} has ${paths.length} modules: a folder has ${FOLDER_FILES} at most`;
    return [{ path: [...paths].sort()[0] as string, line: 1, message }];
  });
}

/** A module beside a folder of the same name: it is unclear which of them has a given thing. */
export function besideFolder(files: readonly SourceFile[]): Violation[] {
  const folders = new Set(files.map(({ path }) => posix.dirname(path)));
  return modules(files).flatMap(({ path }) => {
    const folder = path.replace(/\.ts$/, '');
    if (!folders.has(folder)) return [];
    return [{ path, line: 1, message: `${folder}/ is a folder too: move the module into it` }];
  });
}

/** A module that only forwards the exports of others: importers should name the real module. */
export function forwarding(files: readonly SourceFile[]): Violation[] {
  return modules(files).flatMap(({ path, text }) => {
    // The name of the forwarded module is a string, and blank here.
    const code = codeOf(text);
    const forwards = /\bexport\s+(type\s+)?(\*|\{[^}]*\})(\s+as\s+\w+)?\s+from\b\s*;/g;
    const rest = code.replace(forwards, '').trim();
    if (rest !== '' || code.trim() === '') return [];
    return [{ path, line: 1, message: 'only forwards: import from the modules themselves' }];
  });
}

function modules(files: readonly SourceFile[]): SourceFile[] {
  return files.filter(({ path }) => /^(loader|src|scripts)\/.*\.ts$/.test(path));
}
