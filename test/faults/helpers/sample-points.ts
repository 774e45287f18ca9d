/** Chooses the points at which a run stops a command; a seed repeats its choice. */
import type { ExecutionContext } from 'ava';
import { makeRandom } from '../../helpers/random.js';

const ALL = process.env.DPCTL_FAULTS === 'all';
const SEED = Number(process.env.DPCTL_FAULTS_SEED ?? Date.now() % 1_000_000);

const random = makeRandom(SEED);

/**
 * All points under DPCTL_FAULTS=all (`make test-faults`). Otherwise the first and the last two, and one in
 * eight of the others: many runs cover all of them.
 */
export function chosen(points: readonly string[]): string[] {
  const isEnd = (index: number): boolean => index === 0 || index >= points.length - 2;
  return points.filter((_, index) => ALL || isEnd(index) || random.chance(12));
}

/**
 * All of them under DPCTL_FAULTS=all; otherwise half of them, at least the first: many runs cover all of them.
 */
export function chosenHalf<T>(scenarios: readonly T[]): T[] {
  return scenarios.filter((_, index) => ALL || index === 0 || random.chance(50));
}

/** How to repeat what this run chose, for the log of a test. */
export function logChoice(t: ExecutionContext): void {
  const how = ALL ? 'DPCTL_FAULTS=all' : `DPCTL_FAULTS_SEED=${SEED}`;
  t.log(`${how} node dist/scripts/test/main.js faults`);
}
