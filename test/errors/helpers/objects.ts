/** Maps, programs and links of a node in the kernel, and whether they are freed: files show only pins. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { linkInfo, openPinnedLink } from '../../../loader/link/attach.js';
import { closeMap, openPinnedMap } from '../../../loader/map/info.js';
import { getPinned } from '../../../loader/pin.js';
import { programInfo } from '../../../loader/program.js';
import { closeFd } from '../../../loader/sys/files.js';
import { run } from '../../system/helpers/lab.js';

/** A kind of object as bpftool names it, and its id: `map 17`. The kernel never reuses an id. */
export type KernelObject = string;

/** The objects pinned by the node of a root directory. */
export function pinnedObjects(root: string): KernelObject[] {
  const dir = join(root, 'run/dpctl/bpf');
  const builds = join(dir, 'programs');
  return [
    ...pins(join(dir, 'maps')).map((path) => {
      const map = openPinnedMap(path);
      closeMap(map);
      return `map ${map.id}`;
    }),
    ...(existsSync(builds) ? readdirSync(builds) : [])
      .flatMap((build) => pins(join(builds, build)))
      .map((path) => withFd(getPinned(path, 'program'), (fd) => `prog ${programInfo(fd).id}`)),
    ...pins(join(dir, 'links')).map((path) =>
      withFd(openPinnedLink(path), (fd) => `link ${linkInfo(fd).id}`),
    ),
  ];
}

function pins(dir: string): string[] {
  return existsSync(dir) ? readdirSync(dir).map((name) => join(dir, name)) : [];
}

function withFd<T>(fd: number, use: (fd: number) => T): T {
  try {
    return use(fd);
  } finally {
    closeFd(fd);
  }
}

/** Those of the objects that still exist after a while: the kernel frees them with a delay. */
export async function survivors(
  objects: readonly KernelObject[],
  milliseconds = 5000,
): Promise<KernelObject[]> {
  const deadline = Date.now() + milliseconds;
  for (;;) {
    const alive = new Set([
      ...(await idsOf('map')),
      ...(await idsOf('prog')),
      ...(await idsOf('link')),
    ]);
    const left = objects.filter((object) => alive.has(object));
    if (left.length === 0 || Date.now() > deadline) return left;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function idsOf(kind: 'map' | 'prog' | 'link'): Promise<KernelObject[]> {
  const { code, stdout, stderr } = await run(['bpftool', '-j', kind, 'show']);
  if (code !== 0) throw new Error(`bpftool ${kind} show: ${stderr}`);
  return (JSON.parse(stdout) as { id: number }[]).map(({ id }) => `${kind} ${id}`);
}
