/** What status reports about dpctl's own files and pins: lost, or replaced by something else. */

import { basename, relative } from 'node:path';
import { exec, type Hint, run } from '../../../loader/hint.js';
import type { Problem } from '../../api/status.js';
import { devicesOfLostRoots, lostRootError } from '../../control/change/lost-roots.js';
import { hostPins, type Node } from '../../control/node/node.js';
import { pinnedLinkIds } from '../../datapath/hook.js';
import { pinFaults } from '../../datapath/install.js';
import { isBuildRemembered } from '../../datapath/objects.js';
import { isBpffs, isNsfs } from '../../linux/bpffs.js';
import { hostPath } from '../../linux/mountns.js';
import { oddKind, statOf } from '../../linux/path-status.js';
import type { State } from '../../model/state/state.js';

const FIX = run`reconcile`;

/** All such problems; without endpoints no pin is needed. */
export async function recordProblems(node: Node, state: State): Promise<Problem[]> {
  return [
    ...(await node.store.faults()).map(({ path, why }) => problem('RECORD_LOST', path, why)),
    ...forgotten(node, state),
    ...fileProblems(node),
    ...(state.endpoints.length > 0 ? kernelProblems(node) : []),
  ];
}

function problem(code: string, path: string, why: string, fix: Hint = FIX): Problem {
  return { code, subject: basename(path), message: `${path} ${why}`, fix };
}

/** All records are lost: only dpctl's marks and running programs still show its devices. */
function forgotten(node: Node, { rootId, endpoints }: State): Problem[] {
  if (rootId !== undefined || endpoints.length > 0) return [];
  const left = lostRootError(devicesOfLostRoots(node));
  if (left !== undefined) {
    const { message, hint = '' } = left;
    return [{ code: 'RECORD_LOST', subject: 'devices', message, fix: hint }];
  }
  if (pinnedLinkIds(hostPins(node)).size === 0) return [];
  const why = 'and their copies are lost: programs run on devices that no record lists';
  return [problem('RECORD_LOST', node.paths.stateDir, `had records; they ${why}`, run`reset`)];
}

/** Something else in the place of record files. */
function fileProblems(node: Node): Problem[] {
  const { buildFile } = hostPins(node);
  const lock = node.store.lockPath;
  const [held, build] = [statOf(lock), statOf(buildFile)];
  const odd = held && oddKind(held);
  return [
    ...(odd === undefined
      ? []
      : [
          problem(
            'RECORD_DAMAGED',
            lock,
            `is ${odd}; dpctl needs the lock there`,
            exec`rm -r ${lock}`,
          ),
        ]),
    ...(build === undefined || isBuildRemembered(buildFile)
      ? []
      : [problem('RECORD_DAMAGED', buildFile, `is ${oddKind(build) ?? 'damaged'}`)]),
  ];
}

/** The mounts that keep the namespace and the pins, and the pins. */
function kernelProblems(node: Node): Problem[] {
  const { bpfDir, netns } = node.paths;
  const lost = isNsfs(netns)
    ? []
    : [problem('NETNS_NAME_LOST', hostPath(netns), "is not the node's namespace any more")];
  if (!isBpffs(bpfDir)) {
    const why = 'is no longer a BPF file system, and all its pins are lost';
    return [...lost, problem('PIN_LOST', hostPath(bpfDir), why)];
  }
  const pins = pinFaults(hostPins(node)).map(
    ({ path, why, blocked }): Problem => ({
      code: blocked ? 'PIN_DAMAGED' : 'PIN_LOST',
      subject: relative(hostPath(bpfDir), path),
      message: `the pin ${path} ${why}`,
      fix: FIX,
    }),
  );
  return [...lost, ...pins];
}
