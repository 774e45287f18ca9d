/** Whether to use colour, and which styles. */
import { fstatSync } from 'node:fs';
import type { Environment } from './options.js';

/** The styles that dpctl uses: picocolors' with colour, otherwise functions that change nothing. */
export interface Paint {
  bold(text: string): string;
  red(text: string): string;
  cyan(text: string): string;
  dim(text: string): string;
}

const same = (text: string): string => text;
const PLAIN: Paint = { bold: same, red: same, cyan: same, dim: same };

/**
 * The colours for one file descriptor: --color, else its variable (both in `when`); without them, colour is
 * off if NO_COLOR is set (no-color.org: to anything but the empty string) or if the output is not a terminal.
 * The colour library is loaded only if needed: it would take a tenth of a command's time.
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

/** A pipe, a file or a closed descriptor is not a terminal; this check does without node:tty. */
function isDevice(fd: number): boolean {
  try {
    return fstatSync(fd).isCharacterDevice();
  } catch {
    return false;
  }
}
