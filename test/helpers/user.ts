/** Runs as another user, for operations that only root may do. */
import koffi from 'koffi';

/** The user and group `nobody`, which own nothing on every Linux. */
const NOBODY = 65_534;

/**
 * Become nobody. By libc, since Debian 13's Node refuses process.setuid: its libuv may use io_uring, whose
 * work would go on as root.
 */
export function becomeNobody(): void {
  const libc = koffi.load('libc.so.6');
  for (const name of ['setgid', 'setuid']) {
    const result: number = libc.func(`int ${name}(unsigned int)`)(NOBODY);
    if (result !== 0) throw new Error(`${name}: ${result}`);
  }
}
