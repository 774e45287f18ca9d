/**
 * The core suite inside a guest: it shows within minutes of emulation whether a kernel loads and forwards.
 * A line of JSON for each part goes to the file in the first argument.
 */

import { spawnSync } from 'node:child_process';
import { appendFileSync, existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { leaksSince, processesOf, snapshot } from '../test/leaks.js';
import { runSuite } from '../test/run.js';
import { NOTHING } from '../test/tap.js';
import { PARTS, type Part, REFUSAL } from './core-parts.js';
import { refusalOf } from './refusal.js';
import { type FeatureAnswer, isTooOld } from './results.js';

const root = dirname(dirname(dirname(dirname(fileURLToPath(import.meta.url)))));
/** A guest is some nine times slower than its host when that is idle, and suites may run beside it. */
const PATIENCE = '12';
const IDLE_TIMEOUT = '8m';
const PART_SECONDS = 1500;

async function runPart(part: Part, tag: string): Promise<object> {
  console.log(`\n# ---- ${part.name}`);
  const { cards = '' } = part;
  if (cards !== '' && !cards.split(',').every((it) => existsSync(`/sys/class/net/${it}`))) {
    const skips = [`${part.name}: all of it [needs network cards, which QEMU makes of taps]`];
    return { part: part.name, ...NOTHING, skipped: 1, seconds: 0, failures: [], skips };
  }
  const { counts, failures, skips, seconds } = await runSuite(
    root,
    {
      name: part.name,
      files: part.files.map((file) => `dist/test/${file}.test.js`),
      env: {
        DPCTL_TEST_PATIENCE: PATIENCE,
        ...(cards === '' ? {} : { DPCTL_TEST_UNDERLAY: cards }),
      },
      serial: true,
      quiet: true,
      timeoutSeconds: PART_SECONDS,
      options: [`--timeout=${IDLE_TIMEOUT}`, ...(part.match ?? []).map((text) => `-m=${text}`)],
    },
    tag,
  );
  return { part: part.name, ...counts, seconds: Math.round(seconds), failures, skips };
}

/** The features of this kernel as dpctl reports them; the error if it fails. */
function features(): unknown {
  const { stdout, stderr } = spawnSync(
    process.execPath,
    ['dist/dpctl.cjs', 'status', '--features', '-o', 'json'],
    { cwd: root, encoding: 'utf8' },
  );
  try {
    return JSON.parse(stdout);
  } catch {
    return { error: stderr.trim() };
  }
}

async function main(out: string, only: readonly string[]): Promise<void> {
  const say = (line: object): void => appendFileSync(out, `${JSON.stringify(line)}\n`);
  const answer = features();
  say({ features: answer });
  const tooOld = Array.isArray(answer) && isTooOld(answer as FeatureAnswer[]);
  if (tooOld) say({ refusal: refusalOf(root) });
  const tag = `kernels-${process.pid}`;
  const before = snapshot();
  for (const part of tooOld ? [REFUSAL] : PARTS) {
    if (only.length === 0 || only.includes(part.name)) say(await runPart(part, tag));
  }
  say({ leaks: await leaksSince(before, () => processesOf(tag)) });
}

const [out, ...only] = process.argv.slice(2);
if (out === undefined) throw new Error('where should the results go?');
await main(out, only);
