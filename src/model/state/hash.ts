/**
 * FNV-1a of 32 bits over the UTF-16 units of a text: the same on every machine, and without loading a module.
 * Distinguishes texts; it is not cryptographic.
 * @param from unit at which to begin
 */
export function hash32(text: string, from = 0): number {
  let hash = 0x811c9dc5;
  for (let i = from; i < text.length; i++) {
    hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  }
  return hash >>> 0;
}
