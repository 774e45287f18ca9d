/**
 * Tests with requirements that a machine may not meet. Such a test is then skipped, never passed, and the
 * reason is part of its title, so that the end of the run lists it.
 */

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import test, { type ImplementationFn } from 'ava';
import { type Feature, hasFeature } from '../../loader/probe.js';

/** Tries one requirement; returns what is missing, or undefined. */
export type Check = () => string | undefined;

/** ava's `test`: a title and a function. */
export type Runner = (title: string, run: ImplementationFn<[]>) => void;

/** The runner of tests with requirements, and the one for serial tests. */
export interface ConditionalTest extends Runner {
  readonly serial: Runner;
}

const known = new Map<string, string | undefined>();

/**
 * A replacement for ava's `test` that skips, with the reason, if a requirement is missing. Decided when the
 * file is loaded, once for each requirement and process.
 *
 * const maybe = testRequiring(command('tcpdump'), linkKind('bridge'));
 * maybe('a bridge forwards', (t) => { ... });
 *
 * @param checks all of them must succeed
 */
export function testRequiring(...checks: readonly Check[]): ConditionalTest {
  const missing = checks.map((check) => check()).find((reason) => reason !== undefined);
  const runner =
    (run: Runner): Runner =>
    (title, body) =>
      missing === undefined ? run(title, body) : test.skip(`${title} [needs ${missing}]`, body);
  return Object.assign(runner(test), { serial: runner(test.serial) });
}

/** A check that runs once in a process and is remembered under its name. */
export function once(name: string, check: Check): Check {
  return () => {
    if (!known.has(name)) known.set(name, check());
    return known.get(name);
  };
}

/** A BPF feature of the kernel, found by the loader's own probes. */
export function feature(name: Feature): Check {
  return once(`feature ${name}`, () => (hasFeature(name) ? undefined : `the kernel's ${name}`));
}

/** A command on the PATH. */
export function command(name: string): Check {
  return once(`command ${name}`, () =>
    spawnSync('sh', ['-c', `command -v ${name}`]).status === 0 ? undefined : `the command ${name}`,
  );
}

/** A kind of network device that the kernel can create; tried in a temporary namespace. */
export function linkKind(kind: string): Check {
  return once(`link ${kind}`, () => {
    const made = spawnSync('unshare', ['-n', 'ip', 'link', 'add', 'dpneed0', 'type', kind], {
      encoding: 'utf8',
    });
    if (made.status === 0) return undefined;
    return `${kind} devices, and the kernel says: ${made.stderr.trim() || made.error?.message}`;
  });
}

/** An optional package, which is absent if it did not compile. */
export function optionalPackage(name: string): Check {
  return once(`package ${name}`, () =>
    existsSync(new URL(`../../../node_modules/${name}`, import.meta.url))
      ? undefined
      : `the optional package ${name}`,
  );
}
