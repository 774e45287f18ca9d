/** Whether to colour, and with what. */
import { isatty } from 'node:tty';
import { createColors } from 'picocolors';
import type { Environment } from './options.js';

export type Paint = ReturnType<typeof createColors>;

/**
 * The colours for one file descriptor: --color, else its variable (both in `when`), else off where
 * NO_COLOR is set (no-color.org: to anything but the empty string) or nobody watches.
 */
export function paintFor(
  fd: number,
  when: 'auto' | 'always' | 'never' | undefined,
  env: Environment,
): Paint {
  if (when === 'always' || when === 'never') return createColors(when === 'always');
  const refused = (env.NO_COLOR ?? '') !== '' || env.TERM === 'dumb';
  return createColors(!refused && isatty(fd));
}
