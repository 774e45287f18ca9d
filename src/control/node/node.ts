/**
 * A node: a network namespace together with a root directory. Commands reach everything through this value,
 * so that many nodes can live on one machine.
 */
import { fstatSync, mkdirSync, rmdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { exceptFor } from '../../../loader/errors.js';
import { closeFd, openFd } from '../../../loader/sys/files.js';
import { inNetns } from '../../../loader/sys/netns.js';
import type { Datapath } from '../../datapath/fdb-control.js';
import { checkHookSettings } from '../../datapath/hook.js';
import { uninstallDatapath } from '../../datapath/install.js';
import { removePin } from '../../datapath/pins.js';
import { openTables, type Tables } from '../../datapath/tables.js';
import { bindNetns, ensureBpffs, isNsfs, unbindNetns, unmount } from '../../linux/bpffs.js';
import { hostPath } from '../../linux/mountns.js';
import { openRtnl, type Rtnl } from '../../linux/netlink/socket.js';
import { findNetns } from '../../linux/netns-find.js';
import { namesIn, statOf } from '../../linux/path-status.js';
import { requireRoot } from '../../linux/process.js';
import { openFileStore } from '../../store/file.js';
import { storeFiles } from '../../store/file-paths.js';
import { localRecords } from '../../store/salvage.js';
import type { Store } from '../../store/store.js';
import { faultPoint } from '../change/fault-injection.js';
import type { ClusterSlot } from '../cluster/connection.js';
import { checkRoot } from './check-root.js';
import { type KeptNamespace, keptNamespace } from './kept-namespace.js';
import { rememberName } from './namespace-name.js';
import { type NodePaths, nodePaths } from './paths.js';

/** A node whose parts are opened on first use; close() closes them. */
export interface Node {
  readonly paths: NodePaths;
  readonly store: Store;
  /** File descriptor of the node's network namespace. */
  netnsFd(): number;
  /** rtnetlink in the node's namespace. */
  rtnl(): Rtnl;
  tables(): Tables;
  /** Where the agent puts its connection to the cluster. */
  readonly cluster: ClusterSlot;
  /** The endpoint's namespace that a command is working in. */
  readonly kept: KeptNamespace;
  /** Attach programs by filters where there are no links yet: an agent sets it, and promotes them later. */
  filterFirst: boolean;
  /** Run a short synchronous section in the node's namespace. */
  within<T>(section: () => T): T;
  /**
   * Close what no longer belongs to the node, so that it is opened again: another process may have reset or
   * upgraded the node since, and writes into its former tables would have no effect. Called before anything
   * is inspected or changed.
   */
  refresh(): void;
  close(): void;
}

/**
 * Open a node. Makes nothing yet: a node that was never changed lives in the caller's own network namespace.
 * @throws DpctlError NOT_ROOT, ROOT_INVALID, TC_UNKNOWN, PROBE_UNKNOWN
 */
export function openNode(options: { readonly root?: string | undefined } = {}): Node {
  requireRoot();
  checkHookSettings();
  const paths = nodePaths(options.root ?? '/');
  checkRoot(paths.root);
  const store = openFileStore({
    runDir: hostPath(paths.runDir),
    stateDir: hostPath(paths.stateDir),
    root: hostPath(paths.root),
  });
  let fd: number | undefined;
  let rtnl: Rtnl | undefined;
  let tables: Tables | undefined;
  const kept = keptNamespace();
  const netnsPath = (): string =>
    isNsfs(paths.netns)
      ? hostPath(paths.netns)
      : (findNetns(recordedNetns(paths) ?? '') ?? '/proc/self/ns/net');
  const netnsFd = (): number => {
    fd ??= openFd(netnsPath());
    return fd;
  };
  const closeNetns = (): void => {
    const [formerRtnl, formerFd] = [rtnl, fd];
    rtnl = undefined;
    fd = undefined;
    formerRtnl?.close();
    if (formerFd !== undefined) closeFd(formerFd);
  };
  return {
    paths,
    store,
    netnsFd,
    rtnl: () => {
      rtnl ??= openRtnl(netnsFd());
      return rtnl;
    },
    tables: () => {
      tables ??= openTables(hostPath(paths.mapsDir));
      return tables;
    },
    cluster: { live: undefined },
    kept,
    filterFirst: false,
    within: (section) => inNetns(netnsFd(), section),
    refresh: () => {
      // Without a bound name, only the open descriptor says which namespace was meant.
      const named = isNsfs(paths.netns);
      if (fd !== undefined && named && !isSameFile(fd, hostPath(paths.netns))) closeNetns();
      tables?.refresh();
    },
    close: () => {
      const former = tables;
      tables = undefined;
      former?.close();
      kept.release();
      closeNetns();
    },
  };
}

/** Cookie of the node's own namespace, if a record holds it. */
export function recordedNetns({ runDir, stateDir }: NodePaths): string | undefined {
  return localRecords({ runDir: hostPath(runDir), stateDir: hostPath(stateDir) }).netns;
}

function isSameFile(fd: number, path: string): boolean {
  const [open, named] = [fstatSync(fd), statSync(path)];
  return open.ino === named.ino && open.dev === named.dev;
}

/**
 * Make what a node needs before the first attach: its BPF file system with its directories, and the bind
 * mount of its network namespace. Safe to repeat.
 * @throws DpctlError BPFFS_UNAVAILABLE, NETNS_BIND
 */
export async function prepareNode({ paths, netnsFd }: Node): Promise<void> {
  await ensureBpffs(paths.bpfDir);
  for (const dir of [paths.mapsDir, paths.programsDir, paths.linksDir]) {
    const real = hostPath(dir);
    if (statOf(real)?.isDirectory() === false) removePin(real);
    mkdirSync(real, { recursive: true, mode: 0o700 });
  }
  if (await bindNetns(netnsFd(), paths.netns)) rememberName(paths.netns);
}

/**
 * Remove all that {@link prepareNode} and the datapath made. Continues after a failure.
 * @param keep `networks`: the directory that survives a reboot; `records`: both directories, and the bind
 *   mount of the node's namespace
 * @returns the errors
 */
export async function dismantle(
  node: Node,
  keep: 'nothing' | 'networks' | 'records',
): Promise<unknown[]> {
  const { paths } = node;
  const failures: unknown[] = [];
  // A directory that fills again meanwhile belongs to the next command, which has waited for the lock.
  const remove = (dir: string): void =>
    exceptFor(
      ['ENOTEMPTY'],
      () => rmSync(hostPath(dir), { recursive: true, force: true }),
      undefined,
    );
  const datapath: readonly (() => unknown)[] = [
    () => uninstallDatapath(hostPins(node)),
    () => node.close(),
    () => unmount(paths.bpfDir),
  ];
  const records: readonly (() => unknown)[] = [
    // Records first: directories without any have no owner, but incomplete records count as damaged.
    () => keep === 'nothing' && node.store.discard(),
    () => unbindNetns(paths.netns),
    () => remove(paths.runDir),
    () =>
      keep === 'networks'
        ? remove(storeFiles({ runDir: paths.runDir, stateDir: paths.stateDir }).runtimeCopy)
        : remove(paths.stateDir),
    () => removeIfEmpty(paths),
  ];
  const actions = keep === 'records' ? datapath : [...datapath, ...records];
  for (const [index, action] of actions.entries()) {
    // The records are needed to find the remains of the datapath again.
    if (index === datapath.length && failures.length > 0) break;
    try {
      faultPoint(`dismantle.${index}`);
      await action();
    } catch (error) {
      failures.push(error);
    }
  }
  return failures;
}

/** Remove an empty run directory, and directories above a node's own root that only dpctl needed. */
export function removeIfEmpty({ root, runDir }: NodePaths): void {
  const parents = root === '/' ? [] : ['run', 'var/lib', 'var'].map((dir) => join(root, dir));
  for (const dir of [runDir, ...parents]) {
    const path = hostPath(dir);
    if (statOf(path)?.isDirectory() !== true || namesIn(path).length > 0) continue;
    exceptFor(['ENOTEMPTY', 'ENOENT'], () => rmdirSync(path), undefined);
  }
}

/** The node's datapath: its pins and its opened tables. */
export function datapathOf(node: Node): Datapath {
  return { pins: hostPins(node), tables: node.tables() };
}

/** The node's pins, as paths that are valid in this mount namespace. */
export function hostPins({ paths }: Node) {
  return {
    buildFile: hostPath(join(paths.runDir, 'build')),
    mapsDir: hostPath(paths.mapsDir),
    programsDir: hostPath(paths.programsDir),
    linksDir: hostPath(paths.linksDir),
  };
}
