/**
 * The namespace that a command works in stays open from one look or step to the next. At most one: an open
 * descriptor keeps a dead namespace alive with all its devices, and a node has thousands.
 */
import { closeFd } from '../../../loader/sys/files.js';
import { openRtnl, type Rtnl } from '../../linux/netlink/socket.js';

/** Keeps the last opened namespace while a section runs. */
export interface KeptNamespace {
  /** Whether another namespace may be kept: a keeping section runs, and no section is using the open one. */
  mayKeep(): boolean;
  /** Descriptor of the namespace with this path and cookie, if it is the open one. */
  find(path: string, cookie: string): number | undefined;
  /** Keep a namespace and close the previous one. Takes ownership of the descriptor. */
  keep(path: string, cookie: string, fd: number): void;
  /** rtnetlink inside the kept namespace; undefined if none is kept. */
  rtnl(): Rtnl | undefined;
  /** Work in the kept namespace: it stays open until the outermost such section has ended. */
  using<T>(section: () => T): T;
  /** Close the kept namespace: before it is deleted, and before its existence is checked. */
  release(): void;
  /** Run a section that keeps namespaces, and release at its end. */
  during<T>(section: () => Promise<T>): Promise<T>;
}

/** A keeper that holds nothing yet. */
export function keptNamespace(): KeptNamespace {
  let kept: { readonly path: string; readonly cookie: string; readonly fd: number } | undefined;
  let rtnl: Rtnl | undefined;
  let sections = 0;
  let users = 0;
  let stale = false;
  const release = (): void => {
    stale = users > 0;
    if (stale) return;
    const [formerRtnl, former] = [rtnl, kept];
    rtnl = undefined;
    kept = undefined;
    formerRtnl?.close();
    if (former !== undefined) closeFd(former.fd);
  };
  return {
    mayKeep: () => sections > 0 && users === 0,
    find: (path, cookie) =>
      !stale && kept?.path === path && kept.cookie === cookie && cookie !== ''
        ? kept.fd
        : undefined,
    keep: (path, cookie, fd) => {
      release();
      kept = { path, cookie, fd };
    },
    rtnl: () => {
      if (kept !== undefined) rtnl ??= openRtnl(kept.fd);
      return rtnl;
    },
    using: (section) => {
      users++;
      try {
        return section();
      } finally {
        users--;
        if (stale) release();
      }
    },
    release,
    during: async (section) => {
      sections++;
      try {
        return await section();
      } finally {
        sections--;
        release();
      }
    },
  };
}
