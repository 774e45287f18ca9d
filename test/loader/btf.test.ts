import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { layoutDifferences, typeName } from '../../loader/btf/compare.js';
import { parseElf } from '../../loader/btf/elf.js';
import { parseBtf } from '../../loader/btf/parse.js';
import {
  findType,
  mapDefinitions,
  readObjectBtf,
  resolve,
  sectionVariables,
  sizeOf,
} from '../../loader/btf/query.js';
import { hintText } from '../../src/model/hint.js';
import { objectPath, refusal, run, withDirectory } from './helpers/machine.js';

const sample = readObjectBtf(objectPath('sample'));

test('structs have their fields where the compiler put them', (t) => {
  const key = findType(sample, 'struct', 'key');
  t.is(key?.size, 12);
  t.deepEqual(
    key?.members.map(({ name, type, bitOffset }) => [
      name,
      typeName(sample, type),
      bitOffset / 8,
      sizeOf(sample, type),
    ]),
    [
      ['vni', '__u32', 0, 4],
      ['mac', '__u8[6]', 4, 6],
      ['pad', '__u16', 10, 2],
    ],
  );
  const mac = resolve(sample, key?.members[1]?.type ?? 0);
  t.is(mac.kind, 'array');
});

test('enums keep their names and values, negative and 64 bits wide too', (t) => {
  t.deepEqual(findType(sample, 'enum', 'verdict')?.values, [
    { name: 'VERDICT_PASS', value: 1 },
    { name: 'VERDICT_DROP', value: 2 },
  ]);
  // clang 14 writes neither signed nor 64-bit enums, later ones do.
  const values = [0, 1, 0, 0, 1, 0x80000000];
  const unsigned = parseBtf(rawBtf('\0v', [1, (19 << 24) | 2, 8, ...values]));
  t.like(unsigned.types[1], { kind: 'enum', size: 8, signed: false });
  t.deepEqual(findType(unsigned, 'enum', 'v')?.values, [
    { name: '', value: 1 },
    { name: '', value: 0x8000000000000001n },
  ]);
  const signed = parseBtf(
    rawBtf('\0v', [1, ((19 << 24) | 1 | (1 << 31)) >>> 0, 8, 0, 0xfffffffe, 0xffffffff]),
  );
  t.deepEqual(findType(signed, 'enum', 'v')?.values, [{ name: '', value: -2 }]);
  const narrow = parseBtf(rawBtf('\0v', [1, ((6 << 24) | 1 | (1 << 31)) >>> 0, 4, 0, 0xfffffffd]));
  t.deepEqual(findType(narrow, 'enum', 'v')?.values, [{ name: '', value: -3 }]);
});

/** Raw BTF of types given as 32-bit words, with a string table. */
function rawBtf(strings: string, words: number[]): Uint8Array {
  const size = words.length * 4;
  const bytes = Buffer.alloc(24 + size + strings.length + 1);
  [0x0001eb9f, 24, 0, size, size, strings.length + 1, ...words].forEach((word, i) => {
    bytes.writeUInt32LE(word, i * 4);
  });
  bytes.write(strings, 24 + size);
  return bytes;
}

test('bit fields, unions and nested structs', (t) => {
  const odd = findType(sample, 'struct', 'odd');
  t.deepEqual(
    odd?.members.map(({ name, bitOffset, bitSize }) => [name, bitOffset, bitSize]),
    [
      ['low', 0, 3],
      ['high', 3, 5],
      ['', 64, 0],
    ],
  );
  const inner = resolve(sample, odd?.members[2]?.type ?? 0);
  t.is(inner.kind, 'union');
  t.is(sizeOf(sample, inner.id), 8);
});

test('load-time constants are found with offset and size', (t) => {
  t.deepEqual(
    sectionVariables(sample, '.rodata').map(({ name, offset, size }) => [name, offset, size]),
    [
      ['knob_u8', 0, 1],
      ['knob_s32', 4, 4],
      ['knob_u64', 8, 8],
      ['knob_enum', 16, 4],
      ['knob_mac', 20, 6],
    ],
  );
  t.deepEqual(sectionVariables(sample, '.nothing'), []);
});

test('maps are declared with sizes, flags and types', (t) => {
  const [table, slots] = mapDefinitions(sample);
  t.like(table, {
    name: 'table_v1',
    type: 1,
    maxEntries: 1024,
    flags: 1,
    keySize: 12,
    valueSize: 16,
  });
  t.is(typeName(sample, table?.keyType ?? 0), 'struct key');
  t.like(slots, { name: 'a_long_map_name_v1', type: 6, maxEntries: 4, keySize: 4, valueSize: 8 });
});

test('a type equals itself, and differences are told field by field', (t) => {
  const other = readObjectBtf(objectPath('other'));
  const here = findType(sample, 'struct', 'value')?.id ?? 0;
  const there = findType(other, 'struct', 'value')?.id ?? 0;
  t.deepEqual(layoutDifferences(sample, here, sample, here, 'value'), []);
  t.deepEqual(layoutDifferences(sample, here, other, there, 'value'), [
    'value.packets at byte 0 here, at byte 8 pinned',
    'value.ifindex at byte 8 here, at byte 0 pinned',
    'value.flags at byte 12 here, absent pinned',
    'value.pad absent here, at byte 4 pinned',
    'value.bytes absent here, at byte 16 pinned',
  ]);
  const key = findType(sample, 'struct', 'key')?.id ?? 0;
  t.deepEqual(layoutDifferences(sample, key, sample, here, 'key').length, 6);
  const u8 = findType(sample, 'typedef', '__u8')?.id ?? 0;
  const u16 = findType(sample, 'typedef', '__u16')?.id ?? 0;
  t.deepEqual(layoutDifferences(sample, u8, sample, u16, 'x'), [
    'x __u8 (1 bytes) here, __u16 (2 bytes) pinned',
  ]);
});

test('the same types come out as bpftool sees them', (t) => {
  const theirs = JSON.parse(run('bpftool', '-j', 'btf', 'dump', 'file', objectPath('sample')));
  t.deepEqual(
    sample.types.slice(1).map(({ id, name }) => [id, name || '(anon)']),
    theirs.types.map((type: { id: number; name: string }) => [type.id, type.name]),
  );
});

test("the kernel's own BTF can be read", (t) => {
  const kernel = parseBtf(readFileSync('/sys/kernel/btf/vmlinux'));
  t.true((findType(kernel, 'struct', 'sk_buff')?.size ?? 0) > 100);
});

test('a file that is no object is refused with its path', (t) => {
  const missing = refusal(() => readObjectBtf('/nonexistent.o'));
  t.is(missing.code, 'OBJECT_MISSING');
  t.is(missing.exitCode, 3);
  t.regex(missing.message, /nonexistent\.o/);
  withDirectory((dir) => {
    const path = join(dir, 'x.o');
    const whole = readFileSync(objectPath('sample'));
    for (const [bytes, why] of [
      [Buffer.from('hello'), /x\.o: not an ELF file/],
      [readFileSync(process.execPath).subarray(0, 4096), /x\.o: not a 64-bit little-endian BPF/],
      [whole.subarray(0, whole.length / 2), /x\.o: /],
    ] as const) {
      writeFileSync(path, bytes);
      const error = refusal(() => readObjectBtf(path));
      t.is(error.code, 'OBJECT_FORMAT');
      t.regex(error.message, why);
    }
    run(
      'llvm-objcopy',
      '--remove-section=.BTF',
      '--remove-section=.BTF.ext',
      objectPath('sample'),
      path,
    );
    const stripped = refusal(() => readObjectBtf(path));
    t.is(stripped.code, 'BTF_MISSING');
    t.regex(hintText(stripped.hint), /clang -g/);
  });
  t.throws(() => parseElf(new Uint8Array(10)));
  t.is(refusal(() => parseBtf(new Uint8Array(40))).code, 'BTF_FORMAT');
  t.regex(refusal(() => parseBtf(rawBtf('', [0, 31 << 24, 0]))).message, /unknown kind 31/);
});
