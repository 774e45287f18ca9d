import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { DPCTL } from './helpers/dpctl.js';

/** Runs of each command; the fastest shows what the program needs on an undisturbed machine. */
const RUNS = 8;

/**
 * On an idle core an empty program takes 25 ms, so the goal (60 ms) is 2.4 times that; measured are 1.4
 * (help) to 1.7 (dump). `dpctl bench --only control` judges the goal; this test must not fail on a busy
 * machine.
 */
test('reading commands start quickly, compared with an empty program', (t) => {
  const dir = mkdtempSync(join(tmpdir(), `dpctl-cli-${process.pid}-`));
  try {
    const empty = join(dir, 'empty.cjs');
    writeFileSync(empty, '');
    const root = join(dir, 'root');
    const lines = {
      empty: [empty],
      help: [DPCTL, 'attach', '--help'],
      version: [DPCTL, 'version'],
      dump: [DPCTL, '--root', root, 'dump', 'fdb'],
    };
    const least: Record<string, number> = {};
    for (let run = 0; run < RUNS; run++) {
      for (const [name, argv] of Object.entries(lines)) {
        const start = performance.now();
        const { status, stderr } = spawnSync(process.execPath, argv, { encoding: 'utf8' });
        t.is(status, 0, stderr);
        least[name] = Math.min(least[name] ?? Number.POSITIVE_INFINITY, performance.now() - start);
      }
    }
    for (const [name, time] of Object.entries(least)) {
      const ratio = time / (least.empty ?? time);
      t.log(`${name}: ${time.toFixed(1)} ms, ${ratio.toFixed(2)} times an empty program`);
    }
  } finally {
    rmSync(dir, { recursive: true });
  }
});
