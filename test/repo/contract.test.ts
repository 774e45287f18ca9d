/**
 * The generator against the C compiler: a header with every kind of field goes through clang's BTF into
 * TypeScript, and a native program with the same header shows the expected bytes.
 */

import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { transformSync } from 'esbuild';
import { generate } from '../../scripts/contract/generate.js';
import {
  decodeFdb,
  decodeFdbKey,
  describeReason,
  encodeFdbKey,
  endpointFlagsFromNames,
  endpointFlagsToNames,
  FDB_KEY_OFFSETS,
  MAPS,
  nameOfReason,
  Reason,
  sizeofFdb,
  viewOf,
} from '../../src/contract/generated.js';

const HEADER = `
#include <linux/types.h>
/* How big a sample may be. */
#define SAMPLE_MAX 0x20

enum sample_flags {
	SAMPLE_ONE = 1 << 0, /* the first */
	SAMPLE_TOP = 1u << 31,
};

/*
 * Why a sample
 * was refused.
 */
enum why {
	WHY_NOT = 0,
	/* it was late */
	WHY_LATE = 7,
	WHY_MAX = 9,
};

/* A part of a sample. */
struct part {
	__s16 small; /* may be
		      * negative */
	__u16 pad;
};

/* samples: all kinds of fields. */
struct sample {
	__u64 wide; /* 64 bits */
	__s64 deep;
	__be32 address; /* an address */
	__be16 port;
	__u8 mac[6];
	char label[8];
	__u32 list[3];
	struct part part;
	_Bool on;
	__u8 pad2[3];
	enum why why;
	__s32 error;
};
`;

const PROGRAM = `
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "sample.h"
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, SAMPLE_MAX);
	__type(key, __u32);
	__type(value, struct sample);
} dp_sample_v3 SEC(".maps");
enum sample_flags *keep;
`;

const NATIVE = `
#include <stdio.h>
#include <string.h>
#include <arpa/inet.h>
#include "sample.h"
int main(void)
{
	struct sample s;
	memset(&s, 0, sizeof(s));
	s.wide = 0x0102030405060708ULL;
	s.deep = -2;
	s.address = htonl(0x0a000001);
	s.port = htons(4789);
	memcpy(s.mac, "\\x02\\x00\\x5e\\x10\\x20\\x30", 6);
	strcpy(s.label, "hello");
	s.list[0] = 1; s.list[1] = 2; s.list[2] = 0xffffffff;
	s.part.small = -300;
	s.on = 1;
	s.why = WHY_LATE;
	s.error = -22;
	fwrite(&s, sizeof(s), 1, stdout);
	return 0;
}
`;

const SAMPLE = {
  wide: 0x0102030405060708n,
  deep: -2n,
  address: 0x0a000001,
  port: 4789,
  mac: Uint8Array.of(2, 0, 0x5e, 0x10, 0x20, 0x30),
  label: 'hello',
  list: [1, 2, 0xffffffff],
  part: { small: -300 },
  on: true,
  why: 7,
  error: -22,
};

interface Generated {
  readonly encodeSample: (value: typeof SAMPLE, out?: Uint8Array, offset?: number) => Uint8Array;
  readonly decodeSample: (view: DataView, offset?: number) => typeof SAMPLE;
  readonly sizeofSample: number;
  readonly SAMPLE_OFFSETS: Readonly<Record<string, number>>;
  readonly SAMPLE_MAX: number;
  readonly WHY_MAX: number;
  readonly Why: Readonly<Record<string, number>>;
  readonly nameOfWhy: (value: number) => string;
  readonly describeWhy: (value: number) => string;
  readonly sampleFlagsToNames: (flags: number) => string[];
  readonly sampleFlagsFromNames: (names: readonly string[]) => number;
  readonly MAPS: { readonly sample: { readonly name: string; readonly maxEntries: number } };
}

/** Compile a header and a program in a temporary directory. */
function inFolder<T>(header: string, use: (folder: string, object: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), `dp${process.pid}-contract-`));
  try {
    writeFileSync(join(folder, 'sample.h'), header);
    writeFileSync(join(folder, 'sample.bpf.c'), PROGRAM);
    writeFileSync(join(folder, 'native.c'), NATIVE);
    const arch = execFileSync('uname', ['-m'], { encoding: 'utf8' }).trim();
    const object = join(folder, 'sample.bpf.o');
    const flags = ['-O2', '-g', '-target', 'bpf', `-I/usr/include/${arch}-linux-gnu`];
    execFileSync('clang', [...flags, '-c', join(folder, 'sample.bpf.c'), '-o', object]);
    return use(folder, object);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test('what the generated code writes and reads is what a C compiler lays out', async (t) => {
  const { source, bytes } = inFolder(HEADER, (folder, object) => {
    execFileSync('gcc', ['-o', join(folder, 'native'), join(folder, 'native.c')]);
    const native = execFileSync(join(folder, 'native'));
    return { source: generate(join(folder, 'sample.h'), [object]), bytes: new Uint8Array(native) };
  });
  const { code } = transformSync(source, { loader: 'ts', format: 'esm' });
  const data = `data:text/javascript;base64,${Buffer.from(code).toString('base64')}`;
  const made = (await import(data)) as Generated;

  t.is(made.sizeofSample, bytes.length);
  t.deepEqual(made.encodeSample(SAMPLE), bytes);
  t.deepEqual(made.decodeSample(new DataView(bytes.buffer, bytes.byteOffset)), SAMPLE);

  const dirty = new Uint8Array(bytes.length + 8).fill(0xff);
  made.encodeSample(SAMPLE, dirty, 8);
  t.deepEqual(dirty.subarray(8), bytes, 'padding is written, too');
  t.is(dirty[7], 0xff, 'nothing before the offset is touched');

  t.throws(() => made.encodeSample({ ...SAMPLE, mac: new Uint8Array(5) }), { message: /6 bytes/ });
  t.throws(() => made.encodeSample({ ...SAMPLE, list: [1] }), { message: /3 elements/ });
  t.throws(() => made.encodeSample({ ...SAMPLE, label: '12345678' }), { message: /less than 8/ });

  t.deepEqual([made.SAMPLE_MAX, made.WHY_MAX], [32, 9]);
  t.deepEqual(made.Why, { NOT: 0, LATE: 7 });
  t.deepEqual([made.nameOfWhy(7), made.nameOfWhy(8)], ['late', 'unknown_8']);
  t.deepEqual([made.describeWhy(7), made.describeWhy(0)], ['it was late', '']);
  t.deepEqual(made.sampleFlagsToNames(0x80000003), ['one', 'bit_1', 'top']);
  t.is(made.sampleFlagsFromNames(['top', 'one']), 0x80000001);
  t.throws(() => made.sampleFlagsFromNames(['two']), { message: /no two, only one, top/ });
  t.is(made.MAPS.sample.name, 'dp_sample_v3');
  t.is(made.MAPS.sample.maxEntries, 32);
  t.regex(source, /Why a sample was refused\./);
  t.regex(source, /may be negative \*\//);
  t.notRegex(source, /readonly pad/);
});

const REFUSED: readonly (readonly [string, RegExp, string, string])[] = [
  [
    'hidden padding',
    /struct part has 1 byte of hidden padding after one/,
    '__s16 small;',
    '__u8 one; __s16 small;',
  ],
  ['a union', /addr is a union/, '__s64 deep;', '__s64 deep; union { __u32 a; } addr; __u32 pad;'],
  ['a bit field', /bits is a bit field/, '__s64 deep;', '__s64 deep; __u64 bits:3;'],
  ['a pointer', /next is a ptr/, '__s64 deep;', '__s64 deep; void *next;'],
  [
    'an unused type',
    /enum lost is declared but in no object/,
    'enum why {',
    'enum lost {\n\tLOST = 1,\n};\nenum why {',
  ],
];
for (const [what, message, find, put] of REFUSED) {
  test(`the generator refuses ${what} and says where`, (t) => {
    inFolder(HEADER.replace(find, put), (folder, object) => {
      t.throws(() => generate(join(folder, 'sample.h'), [object]), { message });
    });
  });
}

test('a committed contract that is stale is named, and one that is not passes', (t) => {
  const tool = new URL('../../tools/gen-contract.cjs', import.meta.url).pathname;
  inFolder(HEADER, (folder, object) => {
    const out = join(folder, 'generated.ts');
    const run = (...more: string[]) =>
      spawnSync(
        process.execPath,
        [tool, ...more, '--out', out, '--header', join(folder, 'sample.h'), object],
        { encoding: 'utf8' },
      );
    const absent = run('--check');
    t.is(absent.status, 1);
    t.regex(absent.stderr, /is stale: run `make build`/);
    t.is(run().status, 0);
    t.is(run('--check').status, 0);
    writeFileSync(out, `${generate(join(folder, 'sample.h'), [object])}// edited\n`);
    t.is(run('--check').status, 1);
  });
});

test('an umbrella reads as the headers that it includes, each once and in their order', (t) => {
  const [types, whole] = [HEADER.slice(HEADER.indexOf('/* A part')), '#include "kinds/all.h"\n'];
  const constants = HEADER.slice(0, HEADER.indexOf('/* A part'));
  inFolder(HEADER, (folder, object) => {
    const path = join(folder, 'sample.h');
    const expected = generate(path, [object]);
    mkdirSync(join(folder, 'kinds'));
    writeFileSync(join(folder, 'kinds/constants.h'), constants);
    writeFileSync(
      join(folder, 'kinds/all.h'),
      `#include "kinds/constants.h"\n#include "kinds/constants.h"\n\n${types}`,
    );
    writeFileSync(path, `#include <linux/types.h>\n${whole}`);
    t.is(generate(path, [object]), expected);
    rmSync(join(folder, 'kinds/constants.h'));
    t.throws(() => generate(path, [object]), { message: /all\.h: #include .*constants\.h/ });
  });
});

test('keys, flags and reasons of the datapath by name', (t) => {
  const mac = Uint8Array.of(2, 1, 2, 3, 4, 5);
  const bytes = encodeFdbKey({ vni: 77, mac });
  t.deepEqual(decodeFdbKey(viewOf(bytes)), { vni: 77, mac });
  t.is(viewOf(bytes).getUint32(FDB_KEY_OFFSETS.vni, true), 77);
  t.is(MAPS.fdb.key.size, bytes.length);
  t.deepEqual(endpointFlagsToNames(endpointFlagsFromNames(['lock', 'isolated'])), [
    'lock',
    'isolated',
  ]);
  t.is(nameOfReason(Reason.SOURCE_MAC), 'source_mac');
  t.regex(describeReason(Reason.SOURCE_MAC), /source MAC/);
});

test('a million table entries are decoded in well under a second of CPU time', (t) => {
  const count = 1_000_000;
  const keys = new DataView(new ArrayBuffer(count * MAPS.fdb.key.size));
  const values = new DataView(new ArrayBuffer(count * sizeofFdb));
  const before = process.cpuUsage();
  let sum = 0;
  for (let i = 0; i < count; i++) {
    sum += decodeFdbKey(keys, i * MAPS.fdb.key.size).mac.length;
    sum += decodeFdb(values, i * sizeofFdb).ifindex;
  }
  const seconds = process.cpuUsage(before).user / 1e6;
  t.is(sum, 6 * count);
  t.log(`${seconds.toFixed(2)} s for ${count} keys and values`);
  t.true(seconds < 1, `${seconds} s`);
});
