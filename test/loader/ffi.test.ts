import { spawnSync } from 'node:child_process';
import { cpSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { ffi, type Pointer } from '../../loader/ffi/seam.js';
import { copyFrom, lastErrno, libc, readCString } from '../../loader/libc.js';
import { withDirectory } from './helpers/machine.js';

const LOADER = fileURLToPath(new URL('../../loader', import.meta.url));

/** Run a module's text in a process of its own and return its output. */
function runModule(text: string, env: Record<string, string> = {}) {
  const result = spawnSync(process.execPath, ['--input-type=module', '-e', text], {
    encoding: 'utf8',
    env: { ...process.env, ...env },
    timeout: 20_000,
  });
  return `${result.stdout}${result.stderr}`;
}

/** A module that makes one native call and prints code, exit code, message and hint of its error. */
function oneCall(loader = LOADER): string {
  return `
    import { possibleCpus } from '${loader}/sys/machine.js';
    try { console.log('cpus', possibleCpus()); }
    catch (e) { console.log(e.code, e.exitCode, e.message, '/', e.hint); }`;
}

test('the backend is the one DPCTL_FFI names', (t) => {
  const name: string = ffi().name;
  t.is(name, process.env.DPCTL_FFI || 'koffi');
});

test('an unknown backend is refused with the names of the known ones', (t) => {
  const output = runModule(oneCall(), { DPCTL_FFI: 'nope' });
  t.regex(output, /^FFI_UNKNOWN 1 DPCTL_FFI=nope is not an FFI backend/);
  t.regex(output, /koffi \(the default\) or ffi-napi/);
});

test('a backend that is not installed is refused with what to do', (t) => {
  withDirectory((dir) => {
    // Outside the checkout there is no node_modules.
    cpSync(LOADER, join(dir, 'loader'), { recursive: true });
    cpSync(join(LOADER, '../../package.json'), join(dir, 'package.json'));
    for (const backend of ['koffi', 'ffi-napi']) {
      const output = runModule(oneCall(join(dir, 'loader')), { DPCTL_FFI: backend });
      t.regex(output, new RegExp(`^FFI_MISSING 2 the FFI backend ${backend} does not load: .*/`));
      t.regex(output, /npm ci/);
    }
  });
});

test('a libbpf that is not there is refused with what to install', (t) => {
  const output = runModule(oneCall(), { DPCTL_LIBBPF: '/nonexistent/libbpf.so.1' });
  t.regex(output, /^LIBRARY_MISSING 2 libbpf \(\/nonexistent\/libbpf.so.1\) does not load: /);
  t.regex(output, /libbpf1|DPCTL_LIBBPF/);
});

test('a library without the function is refused by name', (t) => {
  const output = runModule(oneCall(), { DPCTL_LIBBPF: 'libc.so.6' });
  t.regex(output, /^SYMBOL_MISSING 2 libbpf \(libc\.so\.6\) has no function libbpf_/);
});

test('importing the loader opens neither an FFI package nor libbpf', (t) => {
  const modules = (readdirSync(LOADER, { recursive: true }) as string[]).filter((name) =>
    name.endsWith('.js'),
  );
  t.true(modules.includes('map/entry.js'), 'the loader was found');
  const imports = modules.map((name) => `import '${LOADER}/${name}';`).join('\n');
  const output = runModule(`${imports}
    import { readFileSync } from 'node:fs';
    console.log(readFileSync('/proc/self/maps', 'utf8').match(/koffi|ffi_bindings|libbpf/) ?? 'none');`);
  t.is(output.trim(), 'none');
});

test('errno is that of the previous call', (t) => {
  t.is(libc.setns(-1, 0), -1);
  t.is(lastErrno(), 9);
  t.is(libc.mount(null, new Uint8Array([0]), null, 0, null), -1);
  t.is(lastErrno(), 2);
});

test('a view is the memory itself, a copy is not', (t) => {
  const page = libc.mmap(null, 4096, 3, 0x22, -1, 0);
  const view = ffi().view(page, 4096);
  view.set(Buffer.from('hello\0'), 8);
  t.is(readCString((page + 8n) as Pointer), 'hello');
  const copy = copyFrom(page, 16);
  view[8] = 0x6a;
  t.is(copy[8], 0x68);
  t.is(copyFrom(page, 16)[8], 0x6a);
  libc.munmap(page, 4096);
});

test('an address is that of the slice, not of its buffer', (t) => {
  const bytes = new Uint8Array(64);
  t.is(ffi().addressOf(bytes.subarray(24)) - ffi().addressOf(bytes), 24n);
  libc.memcpy(bytes.subarray(8, 12), Buffer.from('abcd'), 4);
  t.is(Buffer.from(bytes.subarray(8, 12)).toString(), 'abcd');
});

test('a callback gets its numbers and addresses and its result arrives', (t) => {
  const got: unknown[] = [];
  const open = ffi().open('libc.so.6');
  // qsort calls back once for two elements.
  const qsort = open('qsort', ['void', ['ptr', 'u64', 'u64', 'ptr']]);
  const callback = ffi().callback(['int', ['ptr', 'ptr']], (a, b) => {
    const [x, y] = [a, b].map((at) => copyFrom(at as Pointer, 1)[0] ?? 0);
    got.push(x, y);
    return (x ?? 0) - (y ?? 0);
  });
  const bytes = new Uint8Array([9, 4]);
  qsort(bytes, 2, 1, callback.pointer);
  callback.release();
  t.deepEqual(got, [9, 4]);
  t.deepEqual([...bytes], [4, 9]);
});

test('a call on another thread lets the event loop run', async (t) => {
  let ticks = 0;
  const timer = setInterval(() => ticks++, 5);
  const epoll = libc.epoll_create1(0);
  t.is(await libc.later('epoll_wait', epoll, new Uint8Array(16), 1, 1000), 0);
  clearInterval(timer);
  t.true(ticks >= 5, `${ticks} ticks in a second`);
});
