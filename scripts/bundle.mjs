// Bundles the CLI into one file, dist/dpctl.cjs. One file starts in half the time of many, and it
// is CommonJS because commander's bundle as ESM fails at run time.
import { chmodSync, existsSync, symlinkSync, unlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
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
const LAZY = ['execa', 'yaml'];
const lazyLibraries = {
  name: 'lazy-libraries',
  setup(builder) {
    builder.onResolve({ filter: new RegExp(`^(${LAZY.join('|')})$`) }, ({ path }) => ({
      path: `./lib/${path}.cjs`,
      external: true,
    }));
  },
};
for (const name of LAZY) {
  await build({
    ...common,
    stdin: { contents: `export * from '${name}'`, resolveDir: root },
    outfile: `dist/lib/${name}.cjs`,
  });
}

const { errors } = await build({
  ...common,
  entryPoints: ['src/cli/main.ts'],
  outfile: 'dist/dpctl.cjs',
  plugins: [lazyLibraries],
  // As require(): the loader of ES modules would cost more than what it loads.
  supported: { 'dynamic-import': false },
  // Native modules are found at run time, beside the checkout or the installed copy.
  external: ['koffi', 'ffi-napi', 'ref-napi'],
  sourcemap: 'linked',
  sourcesContent: false,
  // import.meta does not exist in CommonJS; the rooms use import.meta.url to find their files.
  define: {
    'import.meta.url': '__bundleUrl',
    'import.meta.dirname': '__dirname',
    'import.meta.filename': '__filename',
  },
  banner: {
    js: `${shebang}\nconst __bundleUrl = require('node:url').pathToFileURL(__filename).href;`,
  },
}).catch((failure) => failure);
// esbuild has printed each of them, with its place.
if (errors.length > 0) process.exit(1);
chmodSync(join(root, 'dist/dpctl.cjs'), 0o755);

// What `npm link` would do for package.json's bin, without touching the machine: `npx dpctl` and
// everything make runs find it.
const bin = join(root, 'node_modules/.bin/dpctl');
try {
  unlinkSync(bin);
} catch {
  // it was not there
}
symlinkSync('../../dist/dpctl.cjs', bin);
