/** Output file of a report, which is checked for writability before the run. */

import { accessSync, constants, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { DpctlError } from '../../../loader/errors.js';
import type { BenchResult } from '../../api/bench.js';
import { shippedFile } from '../measure/shipped-files.js';
import { reportHtml } from './html.js';

/** File of a report. */
export interface ReportFile {
  /** Write the report. It replaces an older one atomically. */
  write(result: BenchResult): void;
}

/**
 * Prepare the file of a report.
 * @throws DpctlError BENCH_FILE, exit 1, if it cannot be written there
 */
export function reportFile(path: string): ReportFile {
  const target = resolve(path);
  const parts = {
    plotCode: read('node_modules/uplot/dist/uPlot.iife.min.js'),
    plotStyle: read('node_modules/uplot/dist/uPlot.min.css'),
    pageCode: read('src/bench/report/page.js'),
    pageStyle: read('src/bench/report/page.css'),
  };
  try {
    accessSync(dirname(target), constants.W_OK);
  } catch (cause) {
    throw new DpctlError('BENCH_FILE', `${path}: cannot be written`, {
      exitCode: 1,
      cause,
    });
  }
  return {
    write(result) {
      const draft = join(dirname(target), `.${basename(target)}.${process.pid}`);
      try {
        writeFileSync(draft, reportHtml(result, parts));
        renameSync(draft, target);
      } finally {
        rmSync(draft, { force: true });
      }
    },
  };
}

function read(path: string): string {
  return readFileSync(shippedFile(path), 'utf8');
}
