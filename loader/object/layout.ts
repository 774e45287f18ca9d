import { closeSync } from 'node:fs';
import { layoutDifferences } from '../btf/compare.js';
import { parseBtf } from '../btf/parse.js';
import { mapDefinitions, type ObjectBtf } from '../btf/query.js';
import type { Btf } from '../btf/types.js';
import { DpctlError } from '../errors.js';
import { checkBpf, libbpf } from '../libbpf.js';
import { type MapLayout, mapLayout } from '../map/info.js';
import { objectInfo } from '../object-info.js';
import { struct } from '../struct.js';

/** A map as libbpf is about to create it. */
export interface WantedMap {
  readonly name: string;
  readonly type: number;
  readonly keySize: number;
  readonly valueSize: number;
  readonly maxEntries: number;
  readonly flags: number;
  /** Take max_entries as the pinned map has it. */
  readonly adoptMaxEntries: boolean;
}

const BPF_BTF_INFO_SIZE = 32;
const BPF_F_RDONLY_PROG = 128;
const DEVMAPS: ReadonlySet<number> = new Set([14, 25]);

/**
 * How a pinned map differs from the wanted one.
 * @param fd of the pinned map
 * @returns one line a difference; empty when it can be reused
 */
export function mapDifferences(wanted: WantedMap, object: ObjectBtf, fd: number): string[] {
  const pinned = mapLayout(fd);
  const lines: string[] = [];
  const compare = (what: string, here: number, there: number) => {
    if (here !== there) lines.push(`${what} ${here} here, ${there} pinned`);
  };
  compare('type', wanted.type, pinned.type);
  compare('key size', wanted.keySize, pinned.keySize);
  compare('value size', wanted.valueSize, pinned.valueSize);
  if (!wanted.adoptMaxEntries) compare('max_entries', wanted.maxEntries, pinned.maxEntries);
  compare('flags', wanted.flags, ownFlags(pinned));
  lines.push(...btfDifferences(wanted.name, object, pinned));
  return lines;
}

/** The kernel makes device maps read-only for programs by itself. */
function ownFlags(pinned: MapLayout): number {
  return DEVMAPS.has(pinned.type) ? pinned.flags & ~BPF_F_RDONLY_PROG : pinned.flags;
}

function btfDifferences(name: string, object: ObjectBtf, pinned: MapLayout): string[] {
  const here = mapDefinitions(object).find((definition) => definition.name === name);
  if (!here || pinned.btfId === 0) return [];
  const there = kernelBtf(pinned.btfId);
  const both = (what: string, hereId: number, thereId: number) =>
    hereId === 0 || thereId === 0 ? [] : layoutDifferences(object, hereId, there, thereId, what);
  return [
    ...both('key', here.keyType, pinned.btfKeyTypeId),
    ...both('value', here.valueType, pinned.btfValueTypeId),
  ];
}

/** The types the kernel holds under a BTF id. */
function kernelBtf(id: number): Btf {
  const fd = checkBpf(`bpf_btf_get_fd_by_id ${id}`, libbpf().bpf_btf_get_fd_by_id(id));
  try {
    const size = objectInfo(fd, BPF_BTF_INFO_SIZE).getU32(8);
    const bytes = new Uint8Array(size);
    objectInfo(fd, BPF_BTF_INFO_SIZE, struct(BPF_BTF_INFO_SIZE).pointer(0, bytes).u32(8, size));
    return parseBtf(bytes);
  } finally {
    closeSync(fd);
  }
}

/**
 * The refusal of pinned maps that do not fit.
 * @param differences by map name, none empty
 */
export function layoutError(
  pinDir: string,
  differences: ReadonlyMap<string, readonly string[]>,
): DpctlError {
  const text = [...differences].map(([name, lines]) => `${name}: ${lines.join('; ')}`).join('\n  ');
  return new DpctlError(
    'MAP_LAYOUT',
    `maps pinned in ${pinDir} do not have this version's layout:\n  ${text}`,
    {
      hint: 'use the version that pinned them',
      details: { pinDir, differences: Object.fromEntries(differences) },
    },
  );
}
