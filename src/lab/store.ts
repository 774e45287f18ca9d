/** What is remembered of a lab: a file beside the roots of its nodes. */
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { hostPath } from '../kernel/mountns.js';
import { labsDir } from './names.js';
import { LAB_DEFAULT, type LabSpec, labSpec } from './spec.js';

/** The directory of a lab, as the host sees it. */
export function labDir(root: string | undefined, name: string): string {
  return join(labsDir(root), name);
}

/** Names of the labs that are up, or were and left something. */
export function labNames(root: string | undefined): string[] {
  const dir = hostPath(labsDir(root));
  return existsSync(dir) ? readdirSync(dir).sort() : [];
}

/** The lab as it was asked for; undefined where it is not up, or what is written is of no use. */
export function readLab(dir: string): LabSpec | undefined {
  try {
    const text = readFileSync(join(hostPath(dir), 'lab.json'), 'utf8');
    return labSpec(JSON.parse(text), LAB_DEFAULT);
  } catch {
    return undefined;
  }
}

/** Remember a lab before anything of it is made, so that all of it can be found again. */
export function writeLab(dir: string, spec: LabSpec): void {
  mkdirSync(hostPath(dir), { recursive: true, mode: 0o700 });
  writeFileSync(join(hostPath(dir), 'lab.json'), `${JSON.stringify(spec, null, 2)}\n`);
}

/** Names of the directories of a lab's nodes: n1, n2 ... */
export function nodeDirs(dir: string): string[] {
  const path = hostPath(dir);
  return existsSync(path) ? readdirSync(path).filter((name) => /^n\d+$/.test(name)) : [];
}

/** Remove the directory of a lab, and with the last one what only labs needed of a root of its own. */
export function forgetLab(root: string | undefined, name: string): void {
  rmSync(hostPath(labDir(root, name)), { recursive: true, force: true });
  const labs = labsDir(root);
  for (const dir of resolve(root ?? '/') === '/' ? [labs] : [labs, dirname(labs)]) {
    const path = hostPath(dir);
    if (existsSync(path) && readdirSync(path).length === 0) rmdirSync(path);
  }
}
