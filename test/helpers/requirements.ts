/**
 * Tests that need something of the machine that it may not have. Without it they are skipped, never
 * passed, and the reason is part of the title, so that the run's end lists it.
 */

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import test, { type ImplementationFn } from 'ava';
import { type Feature, hasFeature } from '../../loader/probe.js';

/** Looks for one thing by trying it; says why it is not there, or nothing. */
export type Check = () => string | undefined;

/** What ava calls a test: a title and what to do. */
export type Runner = (title: string, run: ImplementationFn<[]>) => void;

/** The runner of tests that need something, and the one for tests that must run alone. */
export interface ConditionalTest extends Runner {
  readonly serial: Runner;
}

const known = new Map<string, string | undefined>();

/**
 * A stand-in for ava's `test` that skips, with the reason, where something is missing. Decided when
 * the file is loaded, once for each thing and process.
 *
 *     const maybe = testRequiring(command('tcpdump'), linkKind('bridge'));
 *     maybe('a bridge forwards', (t) => { ... });
 *
 * @param checks each has to find its thing
 */
export function testRequiring(...checks: readonly Check[]): ConditionalTest {
  const missing = checks.map((check) => check()).find((reason) => reason !== undefined);
  const runner =
    (run: Runner): Runner =>
    (title, body) =>
      missing === undefined ? run(title, body) : test.skip(`${title} [needs ${missing}]`, body);
  return Object.assign(runner(test), { serial: runner(test.serial) });
}

/** A check that is made once in a process and remembered under its name. */
export function once(name: string, check: Check): Check {
  return () => {
    if (!known.has(name)) known.set(name, check());
    return known.get(name);
  };
}

/** A feature of the kernel's BPF, found by the loader's own probes. */
export function feature(name: Feature): Check {
  return once(`feature ${name}`, () => (hasFeature(name) ? undefined : `the kernel's ${name}`));
}

/** A command on the PATH. */
export function command(name: string): Check {
  return once(`command ${name}`, () =>
    spawnSync('sh', ['-c', `command -v ${name}`]).status === 0 ? undefined : `the command ${name}`,
  );
}

/** A kind of network device that the kernel can make; tried in a namespace that ends with it. */
export function linkKind(kind: string): Check {
  return once(`link ${kind}`, () => {
    const made = spawnSync('unshare', ['-n', 'ip', 'link', 'add', 'dpneed0', 'type', kind], {
      encoding: 'utf8',
    });
    if (made.status === 0) return undefined;
    return `${kind} devices, and the kernel says: ${made.stderr.trim() || made.error?.message}`;
  });
}

/** A package that may have been left out because it did not compile. */
export function optionalPackage(name: string): Check {
  return once(`package ${name}`, () =>
    existsSync(new URL(`../../../node_modules/${name}`, import.meta.url))
      ? undefined
      : `the optional package ${name}`,
  );
}
