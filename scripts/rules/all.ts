/** All rules, and the files that they check. */

import { execFileSync } from 'node:child_process';
import { lstatSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { deadExport } from './exports.js';
import { besideFolder, forwarding, overfull } from './file-layout.js';
import { cycles, impureModel, systemTouched, wrongWay } from './imports.js';
import type { SourceFile, Violation } from './source.js';
import {
  anyType,
  bareDrop,
  classes,
  compilerOff,
  machineBound,
  pointers,
  putOff,
  skippedTest,
  spelledCommand,
  tooLong,
  undocumented,
} from './text.js';
import { homeMade } from './words.js';

/** Every rule by its name. */
export const RULES: Readonly<Record<string, (files: readonly SourceFile[]) => Violation[]>> = {
  ...{ wrongWay, cycles, systemTouched, impureModel, pointers },
  ...{ bareDrop, anyType, compilerOff, putOff, skippedTest, classes, spelledCommand },
  ...{ undocumented, tooLong, machineBound },
  ...{ overfull, besideFolder, forwarding, homeMade, deadExport },
};

/** The violations in these files, sorted by path and line. */
export function checkRules(files: readonly SourceFile[]): Violation[] {
  return Object.values(RULES)
    .flatMap((rule) => rule(files))
    .sort((a, b) => (a.path === b.path ? a.line - b.line : a.path < b.path ? -1 : 1));
}

/**
 * The text files that git tracks or would track.
 * @param root the repository's folder
 */
export function repositoryFiles(root: string): SourceFile[] {
  const listed = execFileSync('git', ['ls-files', '-z', '-c', '-o', '--exclude-standard'], {
    cwd: root,
    encoding: 'utf8',
  });
  return listed
    .split('\0')
    .filter((path) =>
      /(\.(ts|mjs|c|h|sh|md|json|yml|yaml)|Makefile|Vagrantfile|\.ci\/run)$/.test(path),
    )
    .filter((path) => lstatSync(join(root, path), { throwIfNoEntry: false })?.isFile())
    .map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }));
}
