/**
 * Rows as JSON without making them: of a million rows, most of each is the same text as of another.
 * What differs (a MAC and a number) is written between what is kept.
 */

/** Bytes of a chunk: few enough that a reader starts early, enough that a call costs nothing. */
const CHUNK = 128 * 1024;
const HEX = Buffer.from('0123456789abcdef');
const COLON = 58;
const ZERO = 48;
const MAC_LENGTH = 17;
/** Digits of a whole number that is exact. */
const NUMBER_LENGTH = 16;
const SEPARATOR = Buffer.from(',\n ');

/** A row's JSON around its MAC and its number. */
export interface RowText {
  readonly head: Uint8Array;
  readonly middle: Uint8Array;
  readonly tail: Uint8Array;
}

/** Gathers rows, and has them in chunks. */
export interface RowWriter {
  /**
   * Add a row.
   * @param bytes the MAC's six are at the offset
   * @param number whole, not negative
   * @returns a chunk when one is full: rows with `,\n ` between them
   */
  add(text: RowText, bytes: Uint8Array, offset: number, number: number): Uint8Array | undefined;
  /** What is left; undefined for nothing. */
  end(): Uint8Array | undefined;
}

/**
 * Cut a row's JSON where its MAC and its number stand. A quote inside a value is escaped, so a key
 * with its quotes is found only where it is one.
 * @param json a row whose MAC is empty and whose number is 0
 */
export function cutRow(json: string, macKey: string, numberKey: string): RowText {
  const mac = json.indexOf(`"${macKey}":"`) + macKey.length + 4;
  const number = json.indexOf(`"${numberKey}":0`) + numberKey.length + 3;
  return {
    head: Buffer.from(json.slice(0, mac)),
    middle: Buffer.from(json.slice(mac, number)),
    tail: Buffer.from(json.slice(number + 1)),
  };
}

/** @returns a writer of rows whose number comes behind their MAC */
export function rowWriter(): RowWriter {
  let chunk = Buffer.allocUnsafe(CHUNK);
  let at = 0;
  const take = (): Uint8Array => {
    const taken = chunk.subarray(0, at);
    chunk = Buffer.allocUnsafe(CHUNK);
    at = 0;
    return taken;
  };
  const put = (part: Uint8Array): void => {
    chunk.set(part, at);
    at += part.length;
  };
  return {
    add(text, bytes, offset, number) {
      const { head, middle, tail } = text;
      const length = head.length + MAC_LENGTH + middle.length + NUMBER_LENGTH + tail.length;
      const full = at > 0 && at + SEPARATOR.length + length > chunk.length ? take() : undefined;
      if (length > chunk.length) chunk = Buffer.allocUnsafe(length);
      if (at > 0) put(SEPARATOR);
      put(head);
      at = writeMac(chunk, at, bytes, offset);
      put(middle);
      at = writeNumber(chunk, at, number);
      put(tail);
      return full;
    },
    end: () => (at === 0 ? undefined : take()),
  };
}

function writeMac(to: Uint8Array, start: number, bytes: Uint8Array, offset: number): number {
  let at = start;
  for (let i = 0; i < 6; i++) {
    const byte = bytes[offset + i] as number;
    if (i > 0) to[at++] = COLON;
    to[at++] = HEX[byte >>> 4] as number;
    to[at++] = HEX[byte & 15] as number;
  }
  return at;
}

function writeNumber(to: Buffer, at: number, number: number): number {
  if (number < 10) {
    to[at] = ZERO + number;
    return at + 1;
  }
  return at + to.write(String(number), at, 'latin1');
}
