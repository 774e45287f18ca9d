/** "Did you mean": the candidate that was probably mistyped. */
import editDistance from 'damerau-levenshtein';

/**
 * The candidate with the fewest single-character edits from `word`, at most a third of its length (and at
 * least one); undefined if none is that close. Ties go to the first. A swap of two neighbours, the most
 * common typing error, is one edit.
 */
export function closestWord(word: string, candidates: readonly string[]): string | undefined {
  const limit = Math.max(1, Math.floor(word.length / 3));
  let best: string | undefined;
  let bestDistance = limit + 1;
  for (const candidate of candidates) {
    const distance = editDistance(word, candidate).steps;
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}
