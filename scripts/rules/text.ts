/** Rules on forbidden text. */

import { verbs } from '../../src/cli/commands/table.js';
import { roomOf } from './imports.js';
import {
  codeOf,
  findAll,
  lineAt,
  type SourceFile,
  type Violation,
  withoutComments,
} from './source.js';

/** Maximum length of a module, of TypeScript or of the datapath, in lines: more than that is two modules. */
const MODULE_LINES = 250;
const GENERATED = 'src/contract/generated.ts';
/** The only file that may skip a test, because it gives the reason. */
const MAY_SKIP = 'test/helpers/requirements.ts';
/** The only file that may drop a frame, because it counts the reason. */
const MAY_DROP = 'bpf/report.h';
/** Help and documents, which are about commands, and the names of a bench's figures. */
const MAY_SPELL = /^src\/(cli\/(commands|reference|schemas)|bench\/(report|suites))\//;
const MAY_HAVE_CLASS = 'loader/errors.ts';

/** A frame dropped without a counted reason. */
export function bareDrop(files: readonly SourceFile[]): Violation[] {
  return files
    .filter(({ path }) => /^bpf\/.*\.[ch]$/.test(path) && path !== MAY_DROP)
    .flatMap(({ path, text }) =>
      findAll(
        path,
        codeOf(text),
        /\b(TC_ACT_SHOT|TCX_DROP|XDP_DROP|XDP_ABORTED)\b/g,
        (match) => `bare ${match[1]}: drop through ${MAY_DROP}, which counts the reason`,
      ),
    );
}

/** `any`, which turns the compiler off. */
export function anyType(files: readonly SourceFile[]): Violation[] {
  return typeScript(files).flatMap(({ path, text }) =>
    findAll(path, codeOf(text), /(?<![.\w])any\b(?!\s*[(:])/g, () => 'type any: use unknown'),
  );
}

/** Comments that turn the compiler off. */
export function compilerOff(files: readonly SourceFile[]): Violation[] {
  return typeScript(files).flatMap(({ path, text }) =>
    findAll(path, text, /@ts-(ignore|expect-error|nocheck)\b/g, (m) => `${m[0]}: fix the type`),
  );
}

/** Postponed work: an issue tracks it better. */
export function putOff(files: readonly SourceFile[]): Violation[] {
  return files
    .filter(({ path }) => !path.endsWith('package-lock.json'))
    .flatMap(({ path, text }) =>
      findAll(path, text, /\b(TO(?:)DO|FIX(?:)ME)\b/g, (match) => `${match[1]}: do it or file it`),
    );
}

/** Tests that are skipped without a reason. */
export function skippedTest(files: readonly SourceFile[]): Violation[] {
  return typeScript(files)
    .filter(({ path }) => path.startsWith('test/') && path !== MAY_SKIP)
    .flatMap(({ path, text }) =>
      findAll(
        path,
        codeOf(text),
        /\.(skip|only|todo|failing)\s*(?=[(;,)\n])/g,
        (match) => `.${match[1]}: what a test needs is said through ${MAY_SKIP}`,
      ),
    );
}

/** A class other than the error's. */
export function classes(files: readonly SourceFile[]): Violation[] {
  return typeScript(files)
    .filter(({ path }) => path !== MAY_HAVE_CLASS)
    .flatMap(({ path, text }) =>
      findAll(path, codeOf(text), /\bclass\s+\w+/g, (m) => `${m[0]}: plain functions and data`),
    );
}

/** A dpctl command spelled out in a text: it would lack the root and the quoting of words. */
export function spelledCommand(files: readonly SourceFile[]): Violation[] {
  const pattern = new RegExp(`\\bdpctl (?:${verbs().join('|')})\\b`, 'g');
  return typeScript(files)
    .filter(({ path }) => /^(loader|src)\//.test(path) && !MAY_SPELL.test(path))
    .flatMap(({ path, text }) =>
      findAll(
        path,
        withoutComments(text),
        pattern,
        (m) => `"${m[0]}": write run\`...\` (loader/hint.ts)`,
      ),
    );
}

/** Exported functions without a doc comment; overloads share the first one's. */
export function undocumented(files: readonly SourceFile[]): Violation[] {
  return typeScript(files)
    .filter(({ path }) => /^(loader|src|scripts)\//.test(path))
    .flatMap(({ path, text }) => {
      const names = new Set<string>();
      return [...text.matchAll(/(\*\/\n)?^export (?:async )?function\*? (\w+)/gm)].flatMap(
        (match) => {
          const name = match[2] as string;
          if (names.has(name)) return [];
          names.add(name);
          if (match[1] !== undefined) return [];
          const line = lineAt(text, match.index);
          return [{ path, line, message: `${name} is exported and has no doc comment` }];
        },
      );
    });
}

/** Modules that are too long. */
export function tooLong(files: readonly SourceFile[]): Violation[] {
  return files
    .filter(({ path }) => /^((loader|src|scripts)\/.*\.ts|bpf\/.*\.[ch])$/.test(path))
    .filter(({ path }) => path !== GENERATED)
    .flatMap(({ path, text }) => {
      const lines = text.split('\n').length - 1;
      if (lines <= MODULE_LINES) return [];
      return [
        { path, line: lines, message: `${lines} lines: a module has ${MODULE_LINES} at most` },
      ];
    });
}

/** Paths that exist on one machine only, and hosts that a mirror may replace. */
export function machineBound(files: readonly SourceFile[]): Violation[] {
  return files
    .filter(({ path }) => !path.endsWith('package-lock.json'))
    .flatMap(({ path, text }) => [
      ...findAll(
        path,
        text,
        /(?<![\w.~-])\/(work|root|home)\/[\w.]+/g,
        (m) => `${m[0]} is a path of one machine`,
      ),
      ...findAll(
        path,
        text,
        /\b(registry\.npm|deb\.debian|security\.debian)\w*\.org\b/g,
        (m) => `${m[0]} is named`,
      ),
    ]);
}

/** Pointers outside the loader. */
export function pointers(files: readonly SourceFile[]): Violation[] {
  return typeScript(files)
    .filter(({ path }) => path.startsWith('src/'))
    .flatMap(({ path, text }) =>
      findAll(
        path,
        withoutComments(text),
        /from '[^']*loader\/(ffi|libbpf|libc)\b[^']*'|['"](koffi|ffi-napi|ref-napi)['"]/g,
        () => `${roomOf(path)} reaches native code past the loader's modules`,
      ),
    );
}

function typeScript(files: readonly SourceFile[]): SourceFile[] {
  return files.filter(({ path }) => path.endsWith('.ts'));
}
