/** Several commands at once: each finds the node intact and leaves it intact. */
import test from 'ava';
import { differences, takeSnapshot } from '../helpers/snapshot.js';
import { openLab } from '../system/helpers/lab.js';

test.serial('reset and attach at once: one comes after the other', async (t) => {
  t.timeout(180_000);
  const lab = await openLab();
  try {
    const [one, two] = [await lab.container('a'), await lab.container('b')];
    const before = await takeSnapshot(lab, [one, two]);
    for (let round = 0; round < 4; round++) {
      const ran = await Promise.all([
        lab.dpctl(['attach', one]),
        lab.dpctl(['reset', '--yes']),
        lab.dpctl(['attach', two]),
      ]);
      for (const { code, stderr } of ran) t.is(code, 0, stderr);
      const status = await lab.dpctl(['status']);
      t.is(status.code, 0, status.stdout);
    }
    await lab.must('reset', '--yes');
    t.deepEqual(differences(before, await takeSnapshot(lab, [one, two])), []);
  } finally {
    await lab.close();
  }
});

test.serial('first commands at once, one of which is refused', async (t) => {
  t.timeout(180_000);
  const lab = await openLab();
  try {
    const ns = await lab.container('a');
    for (let round = 0; round < 3; round++) {
      const [good, bad] = await Promise.all([
        lab.dpctl(['attach', ns]),
        lab.dpctl(['attach', 'dtnosuch']),
      ]);
      t.is(good.code, 0, good.stderr);
      t.is(bad.code, 3, bad.stderr);
      t.is((await lab.dpctl(['status'])).code, 0);
      await lab.must('reset', '--yes');
    }
  } finally {
    await lab.close();
  }
});

test.serial('readers never see half a change', async (t) => {
  t.timeout(180_000);
  const lab = await openLab();
  try {
    await lab.must('network', 'add', 'first');
    let done = false;
    const changes = (async () => {
      for (let round = 0; round < 8; round++) {
        await lab.must('network', 'add', 'lan', '--subnet', '10.67.0.0/24', '--gateway');
        await lab.must('network', 'del', 'lan');
      }
      done = true;
    })();
    let looks = 0;
    while (!done) {
      const { code, stderr } = await lab.dpctl(['network', 'list', '-o', 'json']);
      t.is(code, 0, stderr);
      looks++;
    }
    await changes;
    t.true(looks > 0);
  } finally {
    await lab.close();
  }
});
