/** Whether to colour, and with what. */
import { fstatSync } from 'node:fs';
import type { Environment } from './options.js';

/** The styles that dpctl uses: of picocolors where there is colour, else texts as they are. */
export interface Paint {
  bold(text: string): string;
  red(text: string): string;
  cyan(text: string): string;
  dim(text: string): string;
}

const same = (text: string): string => text;
const PLAIN: Paint = { bold: same, red: same, cyan: same, dim: same };

/**
 * The colours for one file descriptor: --color, else its variable (both in `when`), else off where
 * NO_COLOR is set (no-color.org: to anything but the empty string) or nobody watches. What is
 * needed only for colour is loaded only then: it would take a tenth of a command's time.
 */
export async function paintFor(
  fd: number,
  when: 'auto' | 'always' | 'never' | undefined,
  env: Environment,
): Promise<Paint> {
  if (when !== 'always' && (when === 'never' || !(await isWatched(fd, env)))) return PLAIN;
  const { createColors } = await import('picocolors');
  return createColors(true);
}

async function isWatched(fd: number, env: Environment): Promise<boolean> {
  if ((env.NO_COLOR ?? '') !== '' || env.TERM === 'dumb' || !isDevice(fd)) return false;
  return (await import('node:tty')).isatty(fd);
}

/** A pipe, a file or a closed descriptor is no terminal, and that can be told without node:tty. */
function isDevice(fd: number): boolean {
  try {
    return fstatSync(fd).isCharacterDevice();
  } catch {
    return false;
  }
}
