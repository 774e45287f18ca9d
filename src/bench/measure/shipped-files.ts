/** Files that come with dpctl and are not code of its own: sources in C, objects, libraries. */

import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DpctlError } from '../../../loader/errors.js';
import { exec } from '../../../loader/hint.js';

declare const __dirname: string | undefined;

/**
 * A file of the checkout, or of the installed copy, which has the same shape.
 * @param path from the checkout's folder, or from `dist`
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
