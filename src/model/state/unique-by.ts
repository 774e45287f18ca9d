/** Lists in which two elements may stand for the same thing. */

/** The first element for each key, in order. */
export function firstOfEach<T>(list: readonly T[], keyOf: (element: T) => unknown): T[] {
  const keys = new Set<unknown>();
  return list.filter((element) => {
    const key = keyOf(element);
    const isFirst = !keys.has(key);
    keys.add(key);
    return isFirst;
  });
}
