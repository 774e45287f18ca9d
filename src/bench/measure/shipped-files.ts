/** Files shipped with dpctl that are not JavaScript: C sources, BPF objects, libraries. */

import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DpctlError } from '../../../loader/errors.js';
import { exec } from '../../../loader/hint.js';

declare const __dirname: string | undefined;

/**
 * Find a file of the checkout, or of the installation, which has the same layout.
 * @param path relative to the root of the checkout, or to `dist`
 * @throws DpctlError NOT_BUILT
 */
export function shippedFile(path: string): string {
  const start = typeof __dirname === 'string' ? __dirname : import.meta.dirname;
  for (let dir = start; ; dir = dirname(dir)) {
    const file = join(dir, path);
    if (existsSync(file)) return file;
    if (dir === dirname(dir)) break;
  }
  throw new DpctlError('NOT_BUILT', `${path} does not exist`, {
    exitCode: 70,
    hint: exec`make build`,
  });
}
