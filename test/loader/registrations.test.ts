/** Repeated loads in a long-lived process must not accumulate anything. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import test from 'ava';
import { ffi } from '../../loader/ffi/seam.js';
import { captureLog } from '../../loader/object/log-capture.js';
import { loadObject, openObject } from '../../loader/object/object.js';
import { descriptorsOf, objectPath } from './helpers/machine.js';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Memory of this process in bytes, after garbage collection. */
function resident(): number {
  collect();
  return process.memoryUsage.rss();
}

test.serial('libbpf can be listened to 20,000 times without growing', (t) => {
  const listen = (times: number): void => {
    for (let i = 0; i < times; i++) captureLog(() => 0);
  };
  listen(4_000);
  const before = resident();
  listen(20_000);
  const grown = (resident() - before) / 1024;
  t.log(`${grown.toFixed(0)} KiB`);
  // ffi-napi frees its buffers, some kilobytes for each call, in the background.
  const most = ffi().name === 'koffi' ? 8_000 : 200_000;
  t.true(grown < most, `${grown} KiB`);
});

test.serial('objects are loaded and closed without a descriptor left', (t) => {
  const load = (): void => {
    const object = openObject(objectPath('sample'));
    loadObject(object);
    object.close();
  };
  load();
  const before = descriptorsOf('anon_inode:bpf');
  for (let i = 0; i < 20; i++) load();
  t.is(descriptorsOf('anon_inode:bpf'), before);
});
