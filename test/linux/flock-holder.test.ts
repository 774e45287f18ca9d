import { mkdtempSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { flock, openFd, withFd } from '../../loader/sys/files.js';
import { flockHolder, holderIn } from '../../src/linux/flock-holder.js';

test('the holder of a lock is told by the inode', (t) => {
  const text = [
    '1: POSIX  ADVISORY  WRITE 300 00:19:77 0 EOF',
    '2: FLOCK  ADVISORY  READ  301 00:19:77 0 EOF',
    '3: FLOCK  ADVISORY  WRITE 302 fe:01:777 0 EOF',
    '4: FLOCK  ADVISORY  WRITE 303 fe:01:77 0 EOF',
    '4: -> FLOCK  ADVISORY  WRITE 304 fe:01:77 0 EOF',
  ].join('\n');
  t.is(holderIn(text, 77n), 303);
  t.is(holderIn(text, 78n), undefined);
  t.is(
    holderIn('1: FLOCK  ADVISORY  WRITE 0 fe:01:77 0 EOF', 77n),
    undefined,
    'of another pid space',
  );
});

test('the kernel tells it of a directory', (t) => {
  const path = mkdtempSync(join(tmpdir(), 'dpctl-flock-'));
  t.teardown(() => rmdirSync(path));
  withFd(openFd(path), (fd) => {
    t.is(flockHolder(fd), undefined);
    t.true(flock(fd, 'exclusive'));
    withFd(openFd(path), (other) => {
      t.false(flock(other, 'exclusive'));
      t.is(flockHolder(other), process.pid);
    });
  });
});
