/** Objects that the loader refuses to use, with what the user can do about it. */
import { DpctlError } from '../../loader/errors.js';
import { advice, type Hint, run } from '../../loader/hint.js';

const REMEDIES: Readonly<Record<string, Hint>> = {
  MAP_LAYOUT: advice`, or remove them with \`${run`reset`}\``,
  PIN_KIND: advice`, or ${run`reset`}`,
};

/** Run a section of the loader; its errors suggest `reset` where that helps. */
export function orReset<T>(section: () => T): T {
  try {
    return section();
  } catch (error) {
    const remedy = error instanceof DpctlError ? REMEDIES[error.code] : undefined;
    if (!(error instanceof DpctlError) || remedy === undefined) throw error;
    const { code, message, exitCode, details, hint = '', cause } = error;
    throw new DpctlError(code, message, {
      ...{ exitCode, details, cause },
      hint: advice`${hint}${remedy}`,
    });
  }
}
