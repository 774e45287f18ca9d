/** One namespace stays open while a command works in it, and none afterwards. */
import { readdirSync, readlinkSync } from 'node:fs';
import test from 'ava';
import { openFd, withFd } from '../../loader/sys/files.js';
import { netnsCookie } from '../../loader/sys/netns.js';
import { withNamespace } from '../../src/control/endpoint/namespace.js';
import { openLabNode } from '../helpers/node.js';
import { openLab } from '../system/helpers/lab.js';

/** A namespace as an endpoint's record identifies it. */
function recorded(name: string) {
  const path = `/run/netns/${name}`;
  const cookie = String(withFd(openFd(path), netnsCookie));
  return { kind: 'name', ref: name, path, cookie, created: false } as const;
}

function namespacesOpen(): number {
  const links = readdirSync('/proc/self/fd').map((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`);
    } catch {
      return '';
    }
  });
  return links.filter((link) => /^net:\[|\/netns\//.test(link)).length;
}

test.serial("a section's namespace is not closed by another section", async (t) => {
  const lab = await openLab();
  const node = openLabNode(lab);
  try {
    const [one, two] = [recorded(await lab.container('a')), recorded(await lab.container('b'))];
    const before = namespacesOpen();
    const cookieOf = (fd: number | undefined) => String(netnsCookie(fd ?? -1));
    await node.kept.during(async () => {
      withNamespace(node, one, (outer) => {
        withNamespace(node, two, (inner) => t.is(cookieOf(inner), two.cookie));
        t.throws(() =>
          withNamespace(node, one, () => {
            throw new Error('no');
          }),
        );
        t.is(cookieOf(outer), one.cookie, 'still open');
      });
      t.is(namespacesOpen(), before, 'after an error it is opened again');
      withNamespace(node, one, () => undefined);
      t.is(namespacesOpen(), before + 1, 'kept');
      withNamespace(node, two, () => undefined);
      t.is(namespacesOpen(), before + 1, 'the last one, and no other');
    });
    t.is(namespacesOpen(), before);
  } finally {
    node.close();
    await lab.close();
  }
});
