/** Which room may import which. */

import { posix } from 'node:path';
import { lineAt, type SourceFile, type Violation, withoutComments } from './source.js';

/** Every room and the rooms that it may import besides itself. A room that is not listed may import all. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  loader: [],
  contract: [],
  api: ['contract', 'loader/errors', 'loader/hint'],
  model: ['api', 'contract', 'loader/errors', 'loader/hint'],
  // Generic Linux: it knows nothing of dpctl.
  linux: ['loader', 'model/address'],
  datapath: ['linux', 'model', 'api', 'contract', 'loader'],
  store: ['model', 'api', 'contract', 'loader'],
  control: ['store', 'datapath', 'linux', 'model', 'api', 'contract', 'loader'],
  // The problems of a node are what a reconcile would change: status asks control for its plan.
  observe: ['control', 'store', 'datapath', 'linux', 'model', 'api', 'contract', 'loader'],
  lab: ['control', 'store', 'datapath', 'linux', 'model', 'api', 'contract', 'loader'],
  bench: ['control', 'store', 'datapath', 'linux', 'model', 'api', 'contract', 'loader'],
  // Adapters: they ask for operations, and do nothing themselves.
  runtimes: ['linux', 'model', 'api', 'contract', 'loader'],
  // The agent does the same as the command line, in one long-lived process.
  agent: [
    ...['runtimes', 'observe', 'control', 'store', 'datapath', 'linux', 'model', 'api'],
    ...['contract', 'loader'],
  ],
  // It sends requests to an agent, and does nothing itself.
  client: ['linux', 'model', 'api', 'contract', 'loader'],
  cli: [
    ...['agent', 'client', 'runtimes'],
    ...['observe', 'lab', 'bench', 'control', 'store'],
    ...['datapath', 'linux', 'model', 'api', 'contract', 'loader'],
  ],
  // The manual comes from the command line's own table, the schema of a run from the bench, the description
  // of the API from the agent.
  scripts: ['agent', 'cli', 'bench', 'loader'],
};

/** Only these may start processes or read the kernel's files. */
const MAY_TOUCH_SYSTEM = new Set([
  'loader',
  'linux',
  'datapath',
  'store',
  'lab',
  'bench',
  'scripts',
  'test',
]);

/** One import of a file. */
export interface Import {
  readonly specifier: string;
  readonly line: number;
  /** The imported file, relative to the root; undefined for a package. */
  readonly target: string | undefined;
  /** `import type` and `export type`: gone at run time. */
  readonly typeOnly: boolean;
}

/** The room of a file: a folder of src/, or else the first folder of its path. */
export function roomOf(path: string): string {
  const [first = '', second = ''] = path.split('/');
  return first === 'src' ? second : first;
}

/** All imports of a TypeScript file: imports, re-exports, and `import()` of a plain string. */
export function importsOf({ path, text }: SourceFile): Import[] {
  const code = withoutComments(text);
  const pattern =
    /\b(?:(?:import|export)(\s+type)?\s[^;'"]*?\bfrom\s*|import\s+|import\s*\(\s*)(['"])([^'"\n]+)\2/g;
  return [...code.matchAll(pattern)].map((match) => {
    const specifier = match[3] as string;
    const target = specifier.startsWith('.')
      ? posix.join(posix.dirname(path), specifier).replace(/\.js$/, '.ts')
      : undefined;
    return {
      ...{ specifier, target },
      line: lineAt(code, match.index),
      typeOnly: match[1] !== undefined,
    };
  });
}

/** Imports that go up, or sideways where they must not. */
export function wrongWay(files: readonly SourceFile[]): Violation[] {
  return files.filter(isTypeScript).flatMap((file) => {
    const from = roomOf(file.path);
    const allowed = ALLOWED[from];
    if (allowed === undefined) return [];
    return importsOf(file).flatMap(({ target, line }) => {
      if (target === undefined) return [];
      const to = roomOf(target);
      const part = target.replace(/\.ts$/, '').replace(/^src\//, '');
      const within = allowed.some((name) => part === name || part.startsWith(`${name}/`));
      if (to === from || within) return [];
      const may = allowed.length === 0 ? 'no other room' : `only ${allowed.join(', ')}`;
      return [{ path: file.path, line, message: `${from} imports ${to}: it may import ${may}` }];
    });
  });
}

/** Cycles of imports at run time: each is reported once, at its first file by name. */
export function cycles(files: readonly SourceFile[]): Violation[] {
  const graph = new Map(
    files.filter(isTypeScript).map((file) => [file.path, loadedBy(file)] as const),
  );
  const found = new Map<string, Violation>();
  const done = new Set<string>();
  const visit = (path: string, trail: readonly string[]): void => {
    const at = trail.indexOf(path);
    if (at >= 0) {
      const ring = trail.slice(at);
      const first = ring.indexOf([...ring].sort()[0] as string);
      const turned = [...ring.slice(first), ...ring.slice(0, first)];
      const message = `imports go in a ring: ${[...turned, turned[0]].join(' -> ')}`;
      found.set(message, { path: turned[0] as string, line: 1, message });
      return;
    }
    if (done.has(path)) return;
    for (const next of graph.get(path) ?? []) visit(next, [...trail, path]);
    done.add(path);
  };
  for (const path of graph.keys()) visit(path, []);
  return [...found.values()];
}

function loadedBy(file: SourceFile): string[] {
  return importsOf(file).flatMap(({ target, typeOnly }) => (typeOnly ? [] : (target ?? [])));
}

/** Processes started, or kernel files named, in a room that must not touch the system. */
export function systemTouched(files: readonly SourceFile[]): Violation[] {
  return files.filter(isTypeScript).flatMap((file) => {
    const room = roomOf(file.path);
    if (MAY_TOUCH_SYSTEM.has(room)) return [];
    const started = importsOf(file)
      .filter(({ specifier }) => /^(node:)?child_process$|^execa$/.test(specifier))
      .map(({ line, specifier }) => ({
        ...{ path: file.path, line },
        message: `${room} imports ${specifier}: processes are started in src/linux`,
      }));
    const named = [...withoutComments(file.text).matchAll(/['"`]\/(proc|sys)\/(?!self\/)/g)].map(
      (match) => ({
        path: file.path,
        line: lineAt(file.text, match.index),
        message: `${room} names a file under /${match[1]}: those are read in src/linux`,
      }),
    );
    return [...started, ...named];
  });
}

/** The model is pure: everything that it needs of the system is an argument. */
export function impureModel(files: readonly SourceFile[]): Violation[] {
  return files
    .filter((file) => isTypeScript(file) && /^(model|contract)$/.test(roomOf(file.path)))
    .flatMap((file) =>
      importsOf(file)
        .filter(({ specifier }) =>
          /^(node:)?(fs|child_process|net|dgram|os|process|worker_threads)\b/.test(specifier),
        )
        .map(({ line, specifier }) => ({
          ...{ path: file.path, line },
          message: `${roomOf(file.path)} is pure and imports ${specifier}`,
        })),
    );
}

function isTypeScript(file: SourceFile): boolean {
  return file.path.endsWith('.ts');
}
