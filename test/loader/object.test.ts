import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { mapDelete, mapGet, mapPut } from '../../loader/map/entry.js';
import { closeMap, mapCreate, openPinnedMap } from '../../loader/map/info.js';
import { loadObject, type ObjectOptions, openObject } from '../../loader/object/object.js';
import { pin } from '../../loader/pin.js';
import {
  closeProgram,
  enableRunStats,
  openPinnedProgram,
  openProgramById,
  PROG_TYPE,
  programInfo,
} from '../../loader/program.js';
import { closeFd } from '../../loader/sys/files.js';
import { testRun } from '../../loader/testrun.js';
import {
  descriptorsOf,
  frame,
  le,
  mapOf,
  objectPath,
  programFd,
  refusal,
  withBpffs,
  withDirectory,
  withObject,
} from './helpers/machine.js';

/** The key {vni 42, mac 0, pad 0} that sample_count looks up. */
const KEY_42 = new Uint8Array(12).fill(42, 0, 1);

/** Names in a bpffs, without the two that the kernel shows in each. */
function pins(dir: string): string[] {
  return readdirSync(dir)
    .filter((name) => !name.endsWith('.debug'))
    .sort();
}

/** The error of opening and loading an object. */
function loadRefusal(name: string, options: ObjectOptions) {
  return refusal(() => withObject(name, options, () => undefined));
}

test('constants are set by type, the others keep their defaults', (t) => {
  const value = (constants: ObjectOptions['constants']) =>
    withObject(
      'sample',
      { constants: constants ?? {}, only: ['sample_knobs'] },
      (object) => testRun(programFd(object, 'sample_knobs'), { data: frame() }).retval,
    );
  // knob_u8 + 100 knob_s32 + knob_u64 + 10,000 knob_enum + 100,000 knob_mac[5]
  t.is(value({}), 7 - 100 + 10_000);
  t.is(value({ knob_s32: -3, knob_u64: 5n, knob_enum: 2 }), 7 - 300 + 5 + 20_000);
  t.is(value({ knob_u8: 255, knob_mac: new Uint8Array([0, 0, 0, 0, 0, 2]) }), 255 - 100 + 210_000);
});

test('a constant that does not exist or does not fit is refused by name', (t) => {
  const unknown = loadRefusal('sample', { constants: { knob_u9: 1 } });
  t.is(unknown.code, 'CONSTANT_UNKNOWN');
  t.regex(unknown.message, /no load-time constant knob_u9; it has knob_enum, knob_mac, knob_s32/);
  for (const [constants, why] of [
    [{ knob_u8: 256 }, /knob_u8: 256 does not fit unsigned 8 bits/],
    [{ knob_u8: -1 }, /knob_u8: -1 does not fit/],
    [{ knob_s32: 2 ** 31 }, /does not fit signed 32 bits/],
    [{ knob_u64: 1.5 }, /1\.5 is no integer/],
    [{ knob_mac: 1 }, /knob_mac: it is of kind array, not an integer; give its 6 bytes/],
    [{ knob_mac: new Uint8Array(5) }, /5 bytes given, 6 wanted/],
  ] as const) {
    t.regex(loadRefusal('sample', { constants }).message, why);
  }
});

test('maps and programs come with their whole names', (t) => {
  withObject('sample', {}, (object) => {
    t.deepEqual([...object.maps.keys()], ['table_v1', 'a_long_map_name_v1']);
    t.like(mapOf(object, 'a_long_map_name_v1'), { keySize: 4, valueSize: 8, perCpu: true });
    t.deepEqual([...object.programs.keys()].sort(), [
      'sample_count',
      'sample_drop',
      'sample_knobs',
      'sample_xdp',
    ]);
    t.is(object.programs.get('sample_xdp')?.type, PROG_TYPE.xdp);
  });
});

test('only requested programs are loaded; unknown names are refused', (t) => {
  withObject('rejected', { only: ['accepted'] }, (object) => {
    t.deepEqual([...object.programs.keys()], ['accepted']);
  });
  t.regex(
    loadRefusal('rejected', { only: ['nope'] }).message,
    /has no program nope; it has rejected_read, accepted/,
  );
  t.is(loadRefusal('rejected', { only: ['accepted'], maxEntries: { x: 1 } }).code, 'MAP_UNKNOWN');
});

test('max_entries can be set before loading', (t) => {
  withObject('sample', { maxEntries: { table_v1: 7 } }, (object) => {
    t.is(mapOf(object, 'table_v1').maxEntries, 7);
  });
});

test('the kernel tells about a program, and counts its runs when asked', (t) => {
  withObject('sample', {}, (object) => {
    const fd = programFd(object, 'sample_count');
    mapPut(mapOf(object, 'table_v1'), KEY_42, new Uint8Array(16));
    const stats = enableRunStats();
    testRun(fd, { data: frame(), repeat: 50 });
    closeFd(stats);
    const info = programInfo(fd);
    t.is(info.name, 'sample_count');
    t.regex(info.tag, /^[0-9a-f]{16}$/);
    t.true(info.runCount >= 50n && info.runTimeNs > 0n);
    t.true(info.jitedLength > 0 && info.xlatedLength > 0 && info.verifiedInsns > 0);
    t.true(info.loadTime > 0n);
    for (const name of ['table_v1', 'a_long_map_name_v1']) {
      t.true(info.mapIds.includes(mapOf(object, name).id));
    }
    const again = openProgramById(info.id);
    t.is(again?.tag, info.tag);
    if (again) closeProgram(again);
    t.is(openProgramById(0x7fffffff), undefined);
    const count = mapGet(mapOf(object, 'table_v1'), KEY_42) ?? new Uint8Array(16);
    t.is(count[0], 50);
  });
});

test('a program can be pinned and opened again', (t) => {
  withBpffs((dir) => {
    const path = join(dir, 'prog');
    const id = withObject('sample', {}, (object) => {
      pin(programFd(object, 'sample_drop'), path);
      return object.programs.get('sample_drop')?.id;
    });
    const program = openPinnedProgram(path);
    t.is(program.id, id ?? 0);
    t.is(testRun(program.fd, { data: frame() }).retval, 2);
    closeProgram(program);
  });
});

test.serial('closing leaves no descriptor, twice is fine', (t) => {
  const before = descriptorsOf('anon_inode:bpf');
  const object = openObject(objectPath('sample'));
  loadObject(object);
  t.true(descriptorsOf('anon_inode:bpf') > before);
  t.throws(() => loadObject(object), { message: /loaded already/ });
  object.close();
  object.close();
  t.is(descriptorsOf('anon_inode:bpf'), before);
  t.throws(() => loadObject(object), { message: /not open/ });
});

test('pinned maps are made once and found again with their contents', (t) => {
  withBpffs((pinDir) => {
    const id = withObject('sample', { pinDir }, (object) => {
      mapPut(mapOf(object, 'table_v1'), KEY_42, new Uint8Array(16));
      return mapOf(object, 'table_v1').id;
    });
    t.deepEqual(pins(pinDir), ['a_long_map_name_v1', 'table_v1']);
    withObject('sample', { pinDir }, (object) => {
      t.is(mapOf(object, 'table_v1').id, id);
      // The program works on the reused map.
      testRun(programFd(object, 'sample_count'), { data: frame(), repeat: 3 });
    });
    const map = openPinnedMap(join(pinDir, 'table_v1'));
    t.is(mapGet(map, KEY_42)?.[0], 3);
    closeMap(map);
  });
});

test('pinned maps of another layout are refused, difference by difference, before anything is made', (t) => {
  withBpffs((pinDir) => {
    const id = withObject('other', { pinDir }, (object) => mapOf(object, 'table_v1').id);
    // One map with another layout, one that fits, one that does not exist yet.
    const before = descriptorsOf('anon_inode:bpf');
    const error = loadRefusal('sample', { pinDir });
    t.is(error.code, 'MAP_LAYOUT');
    t.is(error.exitCode, 2);
    t.deepEqual(error.details.differences, {
      table_v1: [
        'value size 16 here, 24 pinned',
        'max_entries 1024 here, 2048 pinned',
        'value.packets at byte 0 here, at byte 8 pinned',
        'value.ifindex at byte 8 here, at byte 0 pinned',
        'value.flags at byte 12 here, absent pinned',
        'value.pad absent here, at byte 4 pinned',
        'value.bytes absent here, at byte 16 pinned',
      ],
    });
    t.true(
      error.message.includes('table_v1: value size 16 here, 24 pinned; max_entries 1024 here'),
    );
    t.truthy(error.hint);
    t.is(descriptorsOf('anon_inode:bpf'), before);
    const map = openPinnedMap(join(pinDir, 'table_v1'));
    t.is(map.id, id);
    closeMap(map);
  });
});

test('type, key size and flags are compared too, without BTF', (t) => {
  withBpffs((pinDir) => {
    const foreign = mapCreate({ type: 2, name: 'x', keySize: 4, valueSize: 16, maxEntries: 1024 });
    pin(foreign.fd, join(pinDir, 'table_v1'));
    closeMap(foreign);
    const error = loadRefusal('sample', { pinDir });
    t.deepEqual(error.details.differences, {
      table_v1: ['type 1 here, 2 pinned', 'key size 12 here, 4 pinned', 'flags 1 here, 0 pinned'],
    });
    t.deepEqual(pins(pinDir), ['table_v1']);
  });
});

test('max_entries may be taken from the pin', (t) => {
  withBpffs((pinDir) => {
    withObject('sample', { pinDir, maxEntries: { table_v1: 50 } }, () => undefined);
    t.deepEqual(loadRefusal('sample', { pinDir }).details.differences, {
      table_v1: ['max_entries 1024 here, 50 pinned'],
    });
    for (const maxEntries of ['pinned', { table_v1: 'pinned' }] as const) {
      withObject('sample', { pinDir, maxEntries }, (object) => {
        t.is(mapOf(object, 'table_v1').maxEntries, 50);
      });
    }
  });
});

test('a rejected program is reported with the end of its log and where the rest is', (t) => {
  withDirectory((logDir) => {
    const error = loadRefusal('rejected', { logDir });
    t.is(error.code, 'VERIFIER');
    t.is(error.exitCode, 2);
    t.regex(error.message, /the kernel refused program rejected_read of .*rejected\.bpf\.o/);
    t.regex(error.message, /R\d invalid mem access 'map_value_or_null'/);
    t.true(error.message.split('\n').length <= 13);
    t.is(error.details.program, 'rejected_read');
    const file = error.details.log as string;
    t.true(error.message.includes(file));
    t.is(statSync(file).mode & 0o777, 0o600);
    const whole = readFileSync(file, 'utf8');
    t.true(whole.includes('BEGIN PROG LOAD LOG') && whole.includes('processed'));
    // Older kernels quote the line without its file name.
    t.true(whole.includes('return (int)*value'), 'the log has no source lines');
  });
});

test('if the log cannot be saved, the verdict is still reported', (t) => {
  const error = loadRefusal('rejected', { logDir: '/nonexistent' });
  t.regex(error.message, /could not be saved[\s\S]*invalid mem access/);
});

test('a failed load leaves no pin, no descriptor and what was pinned before', (t) => {
  withBpffs((pinDir) => {
    withDirectory((logDir) => {
      const before = descriptorsOf('anon_inode:bpf');
      t.is(loadRefusal('rejected', { pinDir, logDir }).code, 'VERIFIER');
      t.deepEqual(pins(pinDir), []);
      t.is(descriptorsOf('anon_inode:bpf'), before);

      withObject('rejected', { pinDir, only: ['accepted'] }, (object) => {
        mapPut(mapOf(object, 'fresh_v1'), le(0, 4), le(9, 8));
      });
      t.is(loadRefusal('rejected', { pinDir, logDir }).code, 'VERIFIER');
      const map = openPinnedMap(join(pinDir, 'fresh_v1'));
      t.is(mapGet(map, le(0, 4))?.[0], 9);
      closeMap(map);
    });
  });
});

test('a pin directory that is no bpffs is refused and stays empty', (t) => {
  withDirectory((pinDir) => {
    const error = loadRefusal('sample', { pinDir });
    t.regex(error.message, /^bpf_obj_pin .*: EPERM/);
    t.deepEqual(pins(pinDir), []);
  });
  t.is(loadRefusal('sample', { pinDir: '/nonexistent/dir' }).details.errno, 'ENOENT');
});

test("a file that libbpf refuses is reported in libbpf's words", (t) => {
  withDirectory((dir) => {
    const path = join(dir, 'x.o');
    // A map attribute unknown to libbpf: the types are intact, the map is not.
    const bytes = readFileSync(objectPath('sample'));
    const text = bytes.toString('latin1').replaceAll('max_entries\0', 'max_entriez\0');
    writeFileSync(path, text, 'latin1');
    const error = refusal(() => openObject(path));
    t.is(error.exitCode, 2);
    t.regex(
      error.message,
      /^bpf_object__open .*x\.o: [A-Z_0-9]+ [\s\S]*libbpf: map .*unknown field 'max_entriez'/,
    );
  });
  t.is(refusal(() => openObject('/nonexistent.o')).exitCode, 3);
  t.false(existsSync('/nonexistent.o'));
});

test('entries of a loaded map can be deleted', (t) => {
  withObject('sample', {}, (object) => {
    const map = mapOf(object, 'table_v1');
    mapPut(map, KEY_42, new Uint8Array(16));
    t.true(mapDelete(map, KEY_42));
  });
});
