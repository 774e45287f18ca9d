/** From C's names to TypeScript's. */

/** `fdb_key` -> `FdbKey` */
export function pascal(name: string): string {
  return name
    .split('_')
    .filter((word) => word !== '')
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1).toLowerCase())
    .join('');
}

/** `last_seen` -> `lastSeen` */
export function camel(name: string): string {
  const whole = pascal(name);
  return whole.charAt(0).toLowerCase() + whole.slice(1);
}

/** `fdb_key` -> `FDB_KEY` */
export function upper(name: string): string {
  return name.toUpperCase();
}

/**
 * The common beginning of an enum's values, which readers do not need: the enum's own name, that name
 * without its last word (`fdb_flags` -> `FDB_`), or else the longest common run of whole words.
 * @param enumName the enum's name in C
 * @param values its values' names in C
 */
export function commonPrefix(enumName: string, values: readonly string[]): string {
  const stem = enumName.toUpperCase();
  const shorter = stem.includes('_') ? stem.slice(0, stem.lastIndexOf('_')) : stem;
  for (const candidate of [`${stem}_`, `${shorter}_`]) {
    if (values.every((value) => value.startsWith(candidate))) return candidate;
  }
  const first = values[0] ?? '';
  if (values.length < 2) return '';
  let prefix = first;
  while (prefix !== '' && !values.every((value) => value.startsWith(prefix))) {
    prefix = prefix.slice(0, -1);
  }
  return prefix.slice(0, prefix.lastIndexOf('_') + 1);
}
