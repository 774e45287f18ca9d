/** The text of an umbrella header, with the headers that it includes from its own folder. */

import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const INCLUDE = /^#include "([^"]+)"$/gm;

/**
 * Read a header with every header that it includes by quotes, each once, in the compiler's order. System
 * headers (`<...>`) do not belong to the contract.
 * @param path the umbrella; the others are relative to its folder
 * @throws Error if one of them does not exist
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
