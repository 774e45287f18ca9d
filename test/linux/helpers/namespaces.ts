/** Namespaces and directories of one test, removed after it in any case. */

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DpctlError } from '../../../loader/errors.js';
import { searchPath } from '../../../src/linux/command.js';
import {
  closeNetns,
  createNetns,
  deleteNetns,
  type NetnsRef,
  openNetnsRef,
} from '../../../src/linux/netns.js';

let count = 0;

/** A name that no parallel run has. */
export function uniqueName(prefix = 'dpk'): string {
  count += 1;
  return `${prefix}${process.pid}n${count}`;
}

/** A test's namespace: its name and a descriptor. */
export interface TestNetns extends NetnsRef {
  readonly name: string;
}

/** A path by which another program can open this process's `fd`. */
export function netnsPathOf(fd: number): string {
  return `/proc/${process.pid}/fd/${fd}`;
}

/** Create `number` namespaces, pass them to `use` and delete them. */
export async function withNamespaces(
  number: number,
  use: (...namespaces: TestNetns[]) => void | Promise<void>,
): Promise<void> {
  const made: TestNetns[] = [];
  try {
    for (let i = 0; i < number; i++) {
      const name = uniqueName();
      await createNetns(name);
      made.push({ ...openNetnsRef(name), name });
    }
    await use(...made);
  } finally {
    for (const ns of made) {
      closeNetns(ns);
      await deleteNetns(ns.name);
    }
  }
}

/** Create an empty directory, pass its path to `use` and delete it. */
export async function withDirectory(use: (dir: string) => void | Promise<void>): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), `dpk${process.pid}-`));
  try {
    await use(dir);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** Output of a program that runs in the namespace. */
export function inside(ns: TestNetns, ...argv: string[]): string {
  return execFileSync('ip', ['netns', 'exec', ns.name, ...argv], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 20_000,
    env: { ...process.env, PATH: searchPath() },
  });
}

/** JSON output of ip(8) in the namespace. */
export function ipJson<T>(ns: TestNetns, ...args: string[]): T[] {
  return JSON.parse(inside(ns, 'ip', '-j', ...args) || '[]') as T[];
}

/** Run `action`, which must throw a DpctlError, and return the error. */
export function refusal(action: () => unknown): DpctlError {
  try {
    action();
  } catch (error) {
    if (error instanceof DpctlError) return error;
    throw error;
  }
  throw new Error('it should have been refused');
}

/** Like refusal, for a promise. */
export async function rejection(promise: Promise<unknown>): Promise<DpctlError> {
  const outcome = await promise.catch((error: unknown) => error);
  return refusal(() => {
    if (outcome instanceof Error) throw outcome;
  });
}
