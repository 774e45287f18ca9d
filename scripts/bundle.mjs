// Bundles the CLI into one file and compiles it, so that a start only has to read it: dist/dpctl.cjs
// runs dist/lib/main-HASH.cjs. One file starts in half the time of many, and it is CommonJS because
// commander's bundle as ESM fails at run time.
import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  readdirSync,
  renameSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { Script } from 'node:vm';
import { build } from 'esbuild';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

// Where the set-up brought a Node because the system's is too old, the file must not be run by
// the system's.
const ownNode = join(root, '.node/bin/node');
const shebang = existsSync(ownNode) ? `#!${ownNode}` : '#!/usr/bin/env node';

const common = {
  absWorkingDir: root,
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'cjs',
  // 'module' first: the ESM builds of packages lose what is not used.
  mainFields: ['module', 'main'],
  legalComments: 'none',
  logLevel: 'warning',
};

// Libraries that few commands need are files of their own, loaded when used: all that is in the
// bundle is read and parsed at every start, 10 ms a megabyte and more.
const LAZY = {
  execa: ['execa'],
  pino: ['pino'],
  yaml: ['yaml'],
  // Together, as they share protobufjs.
  grpc: ['@grpc/grpc-js', '@grpc/proto-loader', 'protobufjs'],
};
const fileOf = new Map(
  Object.entries(LAZY).flatMap(([file, packages]) => packages.map((name) => [name, file])),
);
const lazyLibraries = {
  name: 'lazy-libraries',
  setup(builder) {
    const filter = new RegExp(`^(${[...fileOf.keys()].join('|')})$`);
    builder.onResolve({ filter }, ({ path }) => ({
      path: `./lib/${fileOf.get(path)}.cjs`,
      external: true,
    }));
  },
};
// The same for libraries that are called where nothing can be awaited: what is called of them loads them.
const LAZY_CALLS = { 'jsonc-parser': ['parse'] };
const lazyCalls = {
  name: 'lazy-calls',
  setup(builder) {
    const filter = new RegExp(`^(${Object.keys(LAZY_CALLS).join('|')})$`);
    builder.onResolve({ filter }, ({ path }) => ({ path, namespace: 'lazy-call' }));
    builder.onResolve({ filter: /./, namespace: 'lazy-call' }, ({ path }) => ({
      path,
      external: true,
    }));
    builder.onLoad({ filter, namespace: 'lazy-call' }, ({ path }) => ({
      contents: LAZY_CALLS[path]
        .map(
          (name) =>
            `export const ${name} = (...args) => require('./lib/${path}.cjs').${name}(...args);`,
        )
        .join('\n'),
    }));
  },
};
const separate = { ...LAZY };
for (const name of Object.keys(LAZY_CALLS)) separate[name] = [name];
for (const [name, packages] of Object.entries(separate)) {
  const all = packages.map((each) => `export * from '${each}';`);
  const [last] = packages.slice(-1);
  if (packages.length > 1) all.push(`export { default } from '${last}';`);
  await build({
    ...common,
    stdin: { contents: all.join('\n'), resolveDir: root },
    outfile: `dist/lib/${name}.cjs`,
  });
}

// Parts of Node that few commands need take milliseconds to load, too: what is called of them loads
// them when it is called. Who calls something new adds it here, or the build says that it is missing.
const LAZY_BUILTINS = {
  'node:child_process': ['execFileSync', 'spawn', 'spawnSync'],
  'node:crypto': ['createHash', 'randomBytes', 'randomUUID'],
};
const lazyBuiltins = {
  name: 'lazy-builtins',
  setup(builder) {
    const filter = new RegExp(`^(${Object.keys(LAZY_BUILTINS).join('|')})$`);
    builder.onResolve({ filter }, ({ path }) => ({ path, namespace: 'lazy-builtin' }));
    builder.onLoad({ filter, namespace: 'lazy-builtin' }, ({ path }) => ({
      contents: LAZY_BUILTINS[path]
        .map(
          (name) =>
            `export const ${name} = (...args) => process.getBuiltinModule('${path}').${name}(...args);`,
        )
        .join('\n'),
    }));
  },
};

const { errors, outputFiles } = await build({
  ...common,
  entryPoints: ['src/cli/main.ts'],
  outfile: 'dist/lib/main.cjs',
  write: false,
  plugins: [lazyLibraries, lazyCalls, lazyBuiltins],
  // As require(): the loader of ES modules would cost more than what it loads.
  supported: { 'dynamic-import': false },
  // Native modules are found at run time, beside the checkout or the installed copy.
  external: ['koffi', 'ffi-napi', 'ref-napi'],
  sourcemap: 'external',
  sourcesContent: false,
  // import.meta does not exist in CommonJS; the rooms use import.meta.url to find their files.
  define: {
    'import.meta.url': '__bundleUrl',
    'import.meta.dirname': '__dirname',
    // Not __filename, which is that of dpctl.cjs.
    'import.meta.filename': '__bundleFile',
  },
  // A function, as Node makes one of every module: dpctl.cjs calls it with its own variables.
  banner: {
    js: '(function (exports, require, module, __filename, __dirname, __bundleFile) {\nconst __bundleUrl = require("node:url").pathToFileURL(__filename).href;',
  },
  footer: { js: '})' },
}).catch((failure) => failure);
// esbuild has printed each of them, with its place.
if (errors.length > 0) process.exit(1);

// Named after the content: V8 takes what it compiled for what it is given if only the lengths agree.
const lib = join(root, 'dist/lib');
const contentOf = (ending) => outputFiles.find(({ path }) => path.endsWith(ending)).contents;
const code = contentOf('.cjs');
const hash = createHash('sha256').update(code).digest('hex').slice(0, 12);
const main = `main-${hash}.cjs`;
const source = Buffer.from(code).toString('latin1');
// esbuild escapes what is not ASCII; as Latin-1 the text is then read without being decoded.
if (/[^\0-\x7f]/.test(source)) throw new Error('the bundle is not ASCII');
// All functions at once: otherwise those that a start needs would be compiled at the start.
setFlagsFromString('--no-lazy');
const script = new Script(source, { filename: join(lib, main) });
// What is compiled is only taken under the flags that it was stored under.
setFlagsFromString('--lazy');
const parts = [
  [main, code],
  [`${main}.map`, contentOf('.map')],
  [`${main}.cache`, script.createCachedData()],
];
for (const [name, content] of parts) writeWhole(join(lib, name), content);
writeWhole(
  join(root, 'dist/dpctl.cjs'),
  `${shebang}
'use strict';
// Made by scripts/bundle.mjs: runs the bundle from what V8 compiled of it when it was built. Another
// V8 refuses that and compiles for itself.
const { readFileSync } = require('node:fs');
const { Script } = require('node:vm');
const filename = \`\${__dirname}/lib/${main}\`;
let cachedData;
try {
  cachedData = readFileSync(\`\${filename}.cache\`);
} catch {}
new Script(readFileSync(filename, 'latin1'), { filename, cachedData })
  .runInThisContext()(exports, require, module, __filename, __dirname, filename);
`,
  0o755,
);
// A command that was started a moment ago may be about to read the one before.
const OLD = 10 * 60 * 1000;
const current = new Set(parts.map(([name]) => name));
for (const name of readdirSync(lib)) {
  if (!name.startsWith('main-') || current.has(name)) continue;
  if (Date.now() - statSync(join(lib, name)).mtimeMs > OLD) unlinkSync(join(lib, name));
}

/** A command that is started meanwhile sees the old file or the new one, never half of one. */
function writeWhole(path, content, mode = 0o644) {
  writeFileSync(`${path}.tmp`, content);
  chmodSync(`${path}.tmp`, mode);
  renameSync(`${path}.tmp`, path);
}

// What `npm link` would do for package.json's bin, without touching the machine: `npx dpctl` and
// everything make runs find it.
const bin = join(root, 'node_modules/.bin/dpctl');
try {
  unlinkSync(bin);
} catch {
  // it was not there
}
symlinkSync('../../dist/dpctl.cjs', bin);
