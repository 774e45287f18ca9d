/** The record of a lab: a file beside the roots of its nodes. */
import { mkdirSync, readFileSync, renameSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { isShortage } from '../../loader/errors.js';
import type { LabSpec } from '../api/lab.js';
import { hostPath } from '../linux/mountns.js';
import { isThere, namesIn } from '../linux/path-status.js';
import { labsDir } from './names.js';
import { LAB_DEFAULT, labSpec } from './spec.js';

/** The directory of a lab, as the host sees it. */
export function labDir(root: string | undefined, name: string): string {
  return join(labsDir(root), name);
}

/** Names of the labs that are up, or were up and left something behind. */
export function labNames(root: string | undefined): string[] {
  const dir = hostPath(labsDir(root));
  return namesIn(dir).sort();
}

const RECORD = 'lab.json';
/** A second copy, in case the first is deleted or damaged. */
const COPY = 'lab.json.copy';

/** The recorded request for a lab; undefined if it is not up, or if its record cannot be read. */
export function readLab(dir: string): LabSpec | undefined {
  return readRecord(dir, RECORD) ?? readRecord(dir, COPY);
}

function readRecord(dir: string, file: string): LabSpec | undefined {
  try {
    const { name, ...spec } = JSON.parse(readFileSync(join(hostPath(dir), file), 'utf8'));
    return name === basename(dir) ? labSpec({ name, ...spec }, LAB_DEFAULT) : undefined;
  } catch (error) {
    if (isShortage(error)) throw error;
    return undefined;
  }
}

/** Record a lab before any part of it is made, so that all parts can be found again. */
export function writeLab(dir: string, spec: LabSpec): void {
  const place = hostPath(dir);
  mkdirSync(place, { recursive: true, mode: 0o700 });
  for (const file of [RECORD, COPY]) {
    const path = join(place, file);
    // Written beside it and renamed: an interrupt leaves the old file or the new one.
    writeFileSync(`${path}.new`, `${JSON.stringify(spec, null, 2)}\n`);
    renameSync(`${path}.new`, path);
  }
}

/** Names of the directories of a lab's nodes: n1, n2 ... */
export function nodeDirs(dir: string): string[] {
  const path = hostPath(dir);
  return namesIn(path).filter((name) => /^n[1-9]\d*$/.test(name));
}

/** Remove the directory of a lab, and with the last lab also the directories above that only labs needed. */
export function forgetLab(root: string | undefined, name: string): void {
  rmSync(hostPath(labDir(root, name)), { recursive: true, force: true });
  const labs = labsDir(root);
  for (const dir of resolve(root ?? '/') === '/' ? [labs] : [labs, dirname(labs)]) {
    const path = hostPath(dir);
    if (isThere(path) && namesIn(path).length === 0) rmdirSync(path);
  }
}
