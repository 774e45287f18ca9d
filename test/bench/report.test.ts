/** The HTML report: one file, readable without scripts, rendered by a browser in light and dark mode. */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { inflateSync } from 'node:zlib';
import test, { type ExecutionContext } from 'ava';
import type { DpctlError } from '../../loader/errors.js';
import type { BenchResult } from '../../src/api/bench.js';
import { reportFile } from '../../src/bench/report/output-file.js';
import { command, testRequiring } from '../helpers/requirements.js';
import { figureOf, runOf } from './helpers.js';

const NASTY = '</script><script>document.title = "broken"</script>';
const RUN: BenchResult = runOf(
  [
    figureOf({ 'Linux bridge': [10, 11, 10], dpctl: [13, 14, 13.5] }, [['dpctl', 'Linux bridge']]),
    figureOf({ dpctl: [50, 51, undefined] }, [], { id: 'cost', title: `cost & ${NASTY}` }),
  ],
  {
    skipped: [{ suite: 'control', what: 'the plugin', why: 'not installed', hint: 'apt-get' }],
    failures: [{ suite: 'same-node', what: 'UDP', subject: 'dpctl', message: 'no route' }],
  },
);

function written(
  t: ExecutionContext,
  result = RUN,
): { readonly path: string; readonly dir: string } {
  const dir = mkdtempSync(join(tmpdir(), `dpctl-report-${process.pid}-`));
  t.teardown(() => rmSync(dir, { recursive: true }));
  const path = join(dir, 'report.html');
  reportFile(path).write(result);
  return { path, dir };
}

test('the report names machine, settings, noise, figures, skipped parts and failures', (t) => {
  const html = readFileSync(written(t).path, 'utf8');
  for (const text of [
    ...['6.18.1', '2 x some CPU (virtual)', '30 % busy', 'MTU', 'Linux bridge', 'not installed'],
    ...['no route', '1.300', 'better'],
  ]) {
    t.true(html.includes(text), text);
  }
});

test('the report loads nothing from outside', (t) => {
  const html = readFileSync(written(t).path, 'utf8');
  t.notRegex(html, /<(link|img|iframe|object)\b|<script[^>]+src=|@import|url\((?!data:)/i);
  t.regex(html, /Content-Security-Policy" content="default-src 'none'/);
});

test('text of a run cannot break the HTML', (t) => {
  const html = readFileSync(written(t).path, 'utf8');
  t.false(html.includes('<script>document.title'));
});

test('an older report is replaced as a whole, and no draft is left', (t) => {
  const { path, dir } = written(t);
  writeFileSync(path, 'older');
  reportFile(path).write(RUN);
  t.true(readFileSync(path, 'utf8').endsWith('</html>\n'));
  t.deepEqual(readdirSync(dir), ['report.html']);
});

test('an unwritable file is reported before anything is measured', (t) => {
  const error = t.throws<DpctlError>(() => reportFile('/nowhere/report.html'));
  t.is(error?.code, 'BENCH_FILE');
  t.is(error?.exitCode, 1);
});

/** Run Chromium on a page and return its output. */
function chromium(t: ExecutionContext, path: string, ...flags: readonly string[]) {
  const profile = mkdtempSync(join(tmpdir(), `dpctl-chromium-${process.pid}-`));
  t.teardown(() => rmSync(profile, { recursive: true, force: true }));
  const common = ['--headless', '--no-sandbox', '--disable-gpu', `--user-data-dir=${profile}`];
  const args = [...common, '--enable-logging=stderr', ...flags, pathToFileURL(path).href];
  // A profile of its own, so that the user's is not touched.
  const env = { ...process.env, HOME: profile, XDG_CONFIG_HOME: profile, XDG_CACHE_HOME: profile };
  return spawnSync('chromium', args, { encoding: 'utf8', timeout: 60_000, env });
}

const inBrowser = testRequiring(command('chromium'));

inBrowser.serial('a browser draws the plots without a complaint', (t) => {
  const { stdout, stderr } = chromium(t, written(t).path, '--dump-dom');
  t.regex(stdout, /data-plots="1"/);
  t.regex(stdout, /<canvas/);
  t.regex(stdout, /<title>dpctl bench/);
  t.notRegex(stderr, /CONSOLE|Uncaught|Refused/);
});

/** Red, green and blue of a PNG's first pixel, which no filter predicts. */
function firstPixel(png: Buffer): number[] {
  const parts: Buffer[] = [];
  for (let at = 8; at < png.length; ) {
    const length = png.readUInt32BE(at);
    if (png.toString('latin1', at + 4, at + 8) === 'IDAT') {
      parts.push(png.subarray(at + 8, at + 8 + length));
    }
    at += length + 12;
  }
  return [...inflateSync(Buffer.concat(parts)).subarray(1, 4)];
}

for (const [name, scheme, background] of [
  ['light', 1, [0xff, 0xff, 0xff]],
  ['dark', 0, [0x14, 0x18, 0x1d]],
] as const) {
  inBrowser.serial(`the report is ${name} where the reader's system is`, (t) => {
    const { path, dir } = written(t);
    const shot = join(dir, 'shot.png');
    chromium(
      t,
      path,
      `--blink-settings=preferredColorScheme=${scheme}`,
      `--screenshot=${shot}`,
      '--window-size=800,600',
    );
    t.deepEqual(firstPixel(readFileSync(shot)), [...background]);
  });
}
