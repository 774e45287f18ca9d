/**
 * Rows as JSON without building objects: among a million rows, most of each row's text is the same as
 * another's. Only the varying parts (a MAC and a number) are inserted into text that is reused.
 */

/** Bytes of a chunk: small enough that a reader starts early, large enough that the calls cost nothing. */
const CHUNK = 128 * 1024;
const HEX = Buffer.from('0123456789abcdef');
const COLON = 58;
const ZERO = 48;
const MAC_LENGTH = 17;
/** Digits of the largest exact integer. */
const NUMBER_LENGTH = 16;
const SEPARATOR = Buffer.from(',\n ');

/** The JSON of a row around its MAC and its number. */
export interface RowText {
  readonly head: Uint8Array;
  readonly middle: Uint8Array;
  readonly tail: Uint8Array;
}

/** Collects rows and returns them in chunks. */
export interface RowWriter {
  /**
   * Add a row.
   * @param bytes holds the six bytes of the MAC at the offset
   * @param number integer, not negative
   * @returns a chunk when one is full: rows with `,\n ` between them
   */
  add(text: RowText, bytes: Uint8Array, offset: number, number: number): Uint8Array | undefined;
  /** The remaining rows; undefined if there are none. */
  end(): Uint8Array | undefined;
}

/**
 * Cut the JSON of a row at its MAC and its number. Quotes inside values are escaped, so a quoted key matches
 * only a key.
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

/** @returns a writer for rows in which the number follows the MAC */
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
