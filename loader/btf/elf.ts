import { readFileSync } from 'node:fs';
import { DpctlError, isShortage } from '../errors.js';
import { advice, exec } from '../hint.js';

/** A symbol of the object: its section's name and its place in it, in bytes. */
export interface ElfSymbol {
  readonly name: string;
  readonly section: string;
  readonly offset: number;
  readonly size: number;
}

/** The parts of a BPF object file that matter here. */
export interface ElfObject {
  readonly sections: ReadonlyMap<string, Uint8Array>;
  readonly symbols: readonly ElfSymbol[];
}

const EM_BPF = 247;
const SHT_NOBITS = 8;
const SHT_SYMTAB = 2;

/**
 * Read an ELF file made by `clang -target bpf`.
 * @throws DpctlError OBJECT_MISSING (exit 3) or OBJECT_FORMAT (exit 2)
 */
export function readElf(path: string): ElfObject {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch (cause) {
    if (isShortage(cause)) throw cause;
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new DpctlError('OBJECT_MISSING', `BPF object ${path}: ${why}`, {
      exitCode: 3,
      cause,
      hint: advice`build it with \`${exec`make build`}\``,
      details: { path },
    });
  }
  try {
    return parseElf(bytes);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new DpctlError('OBJECT_FORMAT', `BPF object ${path}: ${why}`, {
      cause,
      hint: advice`build it again: ${exec`make build`}`,
      details: { path },
    });
  }
}

/** Read an ELF image; throws Error or RangeError when it is not a whole BPF object. */
export function parseElf(bytes: Uint8Array): ElfObject {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.byteLength < 64 || view.getUint32(0, false) !== 0x7f454c46) {
    throw new Error('not an ELF file');
  }
  if (bytes[4] !== 2 || bytes[5] !== 1 || view.getUint16(18, true) !== EM_BPF) {
    throw new Error('not a 64-bit little-endian BPF object');
  }
  const tableAt = Number(view.getBigUint64(40, true));
  const entrySize = view.getUint16(58, true);
  const headers = Array.from({ length: view.getUint16(60, true) }, (_, i) => {
    const at = tableAt + i * entrySize;
    return {
      name: view.getUint32(at, true),
      type: view.getUint32(at + 4, true),
      offset: Number(view.getBigUint64(at + 24, true)),
      size: Number(view.getBigUint64(at + 32, true)),
      link: view.getUint32(at + 40, true),
    };
  });
  const stringAt = (table: number, offset: number): string => {
    const start = (headers[table]?.offset ?? 0) + offset;
    return text.toString('utf8', start, text.indexOf(0, start));
  };
  const names = headers.map((header) => stringAt(view.getUint16(62, true), header.name));

  const sections = new Map<string, Uint8Array>();
  const symbols: ElfSymbol[] = [];
  headers.forEach((header, i) => {
    if (header.type === SHT_NOBITS) return;
    if (header.offset + header.size > bytes.byteLength) throw new Error('the file is cut short');
    sections.set(names[i] ?? '', bytes.subarray(header.offset, header.offset + header.size));
    if (header.type !== SHT_SYMTAB) return;
    for (let at = header.offset; at < header.offset + header.size; at += 24) {
      symbols.push({
        name: stringAt(header.link, view.getUint32(at, true)),
        section: names[view.getUint16(at + 6, true)] ?? '',
        offset: Number(view.getBigUint64(at + 8, true)),
        size: Number(view.getBigUint64(at + 16, true)),
      });
    }
  });
  return { sections, symbols };
}
