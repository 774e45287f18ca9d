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

const { errors } = await build({
  absWorkingDir: root,
  entryPoints: ['src/cli/main.ts'],
  outfile: 'dist/dpctl.cjs',
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'cjs',
  // 'module' first: the ESM builds of packages lose what is not used.
  mainFields: ['module', 'main'],
  // Native modules are found at run time, beside the checkout or the installed copy.
  external: ['koffi', 'ffi-napi', 'ref-napi'],
  legalComments: 'none',
  sourcemap: 'linked',
  sourcesContent: false,
  logLevel: 'warning',
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
