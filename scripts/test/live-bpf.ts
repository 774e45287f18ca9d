/**
 * BPF objects that a pin or a device keeps alive here. The kernel's own lists do not show to whom an object
 * belongs: there is one list for the machine.
 */

import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A line of mountinfo, with the needed fields only. */
export interface Mount {
  readonly place: string;
  readonly kind: string;
}

/** The mounts that this process can see. */
export function mounts(): Mount[] {
  return readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [head = '', tail = ''] = line.split(' - ');
      return { place: head.split(' ')[4] ?? '', kind: tail.split(' ')[0] ?? '' };
    });
}

/** All pins in the BPF file systems among these mounts, a line each. */
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
    // It was unmounted, or another mount covers it.
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
  // A mount of another kind of namespace, or one that has been deleted in the meantime.
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
