/** Saved state that cannot be used: damaged, or written by a newer dpctl. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { type Lab, openLab } from '../system/helpers/lab.js';
import { type Refusal, refused } from './helpers/refusal.js';

const DURABLE = 'var/lib/dpctl/state.json';
const RUNTIME = 'run/dpctl/endpoints.json';

interface Case extends Refusal {
  readonly title: string;
  readonly file: string;
  readonly damage: (text: string) => string;
}

const CORRUPT = {
  code: 'STORE_CORRUPT',
  exit: 5,
  hint: /from a backup, or .*dpctl reset/,
} as const;

const CASES: readonly Case[] = [
  {
    ...CORRUPT,
    title: 'half a file',
    file: RUNTIME,
    damage: (text) => text.slice(0, text.length / 2),
    message: /endpoints\.json is damaged at line \d+, column \d+/,
  },
  {
    ...CORRUPT,
    title: 'an empty file',
    file: DURABLE,
    damage: () => '',
    message: /state\.json is damaged .*: the file is empty/,
  },
  {
    ...CORRUPT,
    title: 'a field of another type',
    file: RUNTIME,
    damage: (text) => text.replace('"ifindex":2', '"ifindex":"two"'),
    message: /endpoints\.json is damaged at endpoints\[0\]\.ifindex/,
  },
  {
    ...CORRUPT,
    title: 'two endpoints with one address',
    file: RUNTIME,
    damage: (text) => text.replaceAll('10.201.0.3/16', '10.201.0.2/16'),
    message: /endpoints\.json is damaged at endpoints\[1\]/,
  },
  {
    ...CORRUPT,
    title: 'endpoints without their network',
    file: DURABLE,
    damage: () => '{"version": 1, "networks": []}',
    message: /is damaged at endpoints\[0\]\.network/,
  },
  {
    title: 'the state of a newer dpctl',
    file: DURABLE,
    damage: (text) => text.replace('"version": 1', '"version": 2'),
    code: 'STORE_NEWER',
    exit: 5,
    message: /state\.json has version 2 of the state, and this dpctl supports at most 1/,
    hint: /use the newer dpctl/,
  },
];

let lab: Lab;
let one: string;
let two: string;
let free: string;
test.before(async () => {
  lab = await openLab();
  [one, two] = [await lab.container('a'), await lab.container('b')];
  free = await lab.container('c');
  await lab.must('attach', one);
  await lab.must('attach', two);
});
test.after.always(() => lab?.close());

for (const { title, file, damage, ...expected } of CASES) {
  test.serial(title, async (t) => {
    await damaged(file, damage, async () => {
      for (const args of [['attach', free], ['detach', one], ['reconcile'], ['endpoints']]) {
        await refused(t, lab, [one, two], args, expected);
      }
      await talks(t);
    });
    t.is((await lab.dpctl(['status'])).code, 0, 'restored, it is as it was');
  });
}

async function damaged(
  file: string,
  damage: (text: string) => string,
  use: () => Promise<void>,
): Promise<void> {
  const path = join(lab.root, file);
  const text = readFileSync(path, 'utf8');
  try {
    writeFileSync(path, damage(text));
    await use();
  } finally {
    writeFileSync(path, text);
  }
}

/** Whatever happens to the store, attached endpoints keep forwarding. */
async function talks(t: ExecutionContext): Promise<void> {
  const ping = await lab.inside(one, ['ping', '-c', '1', '-W', '1', '10.201.0.3']);
  t.is(ping.code, 0, ping.stdout);
}
