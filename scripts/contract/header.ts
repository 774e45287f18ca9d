/** The text of a header that is an umbrella: what it includes of its own folder, in its place. */

import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const INCLUDE = /^#include "([^"]+)"$/gm;

/**
 * Read a header with every header that it includes by quotes, each once, in the order of the
 * compiler. System headers (`<...>`) are none of the contract's.
 * @param path the umbrella; the others are named from its folder
 * @throws Error where one of them is not there
 */
export function readHeader(path: string): string {
  const folder = dirname(path);
  const seen = new Set<string>();
  const read = (file: string): string => {
    if (seen.has(file)) return '';
    seen.add(file);
    return readFileSync(file, 'utf8').replace(INCLUDE, (line, name: string) => {
      const included = join(folder, name);
      if (!existsSync(included)) throw new Error(`${file}: ${line}: no ${included}`);
      return read(included);
    });
  };
  return read(path);
}
