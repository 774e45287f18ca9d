/** Format of numbers and verdicts in all reports. */
import type { Verdict } from '../../api/bench.js';

/** Text of each verdict. */
export const SAYS: Readonly<Record<Verdict, string>> = {
  better: 'better',
  worse: 'worse',
  none: 'no difference found',
};

/** Format with four significant digits and no exponent: 31450, 27.38, 0.0040. */
export function digits(value: number): string {
  if (!Number.isFinite(value) || value === 0) return String(value);
  const whole = Math.ceil(Math.log10(Math.abs(value)));
  return value.toFixed(Math.max(0, Math.min(6, 4 - whole)));
}
