/** Random numbers that a seed repeats. */
export interface Random {
  /** From 0 to below a bound. */
  below(bound: number): number;
  /** True with a probability in percent. */
  chance(percent: number): boolean;
  pick<T>(from: readonly T[]): T;
  bytes(length: number): Uint8Array;
}

/** By xorshift (Marsaglia, 2003), which is good enough for frames. */
export function makeRandom(seed: number): Random {
  let state = (seed ^ 0x9e3779b9) >>> 0 || 1;
  const next = () => {
    state ^= state << 13;
    state >>>= 0;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state;
  };
  const below = (bound: number) => next() % bound;
  return {
    below,
    chance: (percent) => below(100) < percent,
    pick: (from) => from[below(from.length)] as (typeof from)[number],
    bytes: (length) => Uint8Array.from({ length }, () => next() >>> 24),
  };
}
