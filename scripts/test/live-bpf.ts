/**
 * BPF objects that something keeps alive here: a pin or a device. The kernel's own lists are no help
 * in telling whose an object is: there is one list for the machine.
 */

import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A line of mountinfo, as far as anybody here asks. */
export interface Mount {
  readonly place: string;
  readonly kind: string;
}

/** What is mounted where this process can see it. */
export function mounts(): Mount[] {
  return readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [head = '', tail = ''] = line.split(' - ');
      return { place: head.split(' ')[4] ?? '', kind: tail.split(' ')[0] ?? '' };
    });
}

/** All that is pinned in the BPF file systems among these mounts, a line each. */
export function pinned(all: readonly Mount[]): string[] {
  return all.filter(({ kind }) => kind === 'bpf').flatMap(({ place }) => pinsIn(place));
}

function pinsIn(place: string): string[] {
  try {
    return readdirSync(place, { recursive: true, withFileTypes: true })
      .filter((entry) => !entry.isDirectory())
      .map((entry) => `pin ${join(entry.parentPath, entry.name)}`)
      .filter((line) => !line.endsWith('.debug'));
  } catch {
    // It was unmounted, or is hidden by another mount.
    return [];
  }
}

type Attached = Readonly<Record<string, string | number>>;

/**
 * Programs on devices of this network namespace and of those that are mounted, a line each.
 * @param all mounts among which to look for network namespaces
 */
export function attached(all: readonly Mount[]): string[] {
  const spaces = all.filter(({ kind }) => kind === 'nsfs').map(({ place }) => place);
  return [undefined, ...spaces].flatMap((space) =>
    programsIn(space).map((line) => (space === undefined ? line : `${line} in ${space}`)),
  );
}

function programsIn(space: string | undefined): string[] {
  const enter = space === undefined ? [] : ['nsenter', `--net=${space}`];
  const [command = '', ...args] = [...enter, 'bpftool', '-j', 'net', 'show'];
  const { status, stdout } = spawnSync(command, args, { encoding: 'utf8' });
  // A mount of another kind of namespace, or one that is gone meanwhile.
  if (status !== 0) return [];
  const hooks = JSON.parse(stdout) as Readonly<Record<string, readonly Attached[]>>[];
  return hooks.flatMap((hook) =>
    Object.entries(hook).flatMap(([where, programs]) =>
      programs.map(({ devname = '', kind = '', name = '', id = '' }) =>
        ['bpf', where, kind, name, `id ${id}`, 'on', devname].filter(Boolean).join(' '),
      ),
    ),
  );
}
