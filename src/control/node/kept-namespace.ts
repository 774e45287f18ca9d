/**
 * The namespace that a command works in stays open from one look or step to the next. One at the most:
 * a descriptor that is left keeps a dead namespace alive with all its devices, and a node has thousands.
 */
import { closeFd } from '../../../loader/sys/files.js';
import { openRtnl, type Rtnl } from '../../linux/netlink/socket.js';

/** Keeps the namespace that was opened last, while a section runs. */
export interface KeptNamespace {
  /** Whether another one may be kept: a section keeps, and none works in the one that is open. */
  mayKeep(): boolean;
  /** Descriptor of the namespace of this path and cookie, if it is the one that is open. */
  find(path: string, cookie: string): number | undefined;
  /** Keep one instead of the former, which is closed. The descriptor is this one's from now on. */
  keep(path: string, cookie: string, fd: number): void;
  /** rtnetlink inside the one that is kept; undefined where none is. */
  rtnl(): Rtnl | undefined;
  /** Work in the one that is kept: it stays open until the outermost such section has ended. */
  using<T>(section: () => T): T;
  /** Close what is kept: before a namespace is to go, and before it is asked whether it is there. */
  release(): void;
  /** Run a section that keeps, and release at its end. */
  during<T>(section: () => Promise<T>): Promise<T>;
}

/** Keeps nothing yet. */
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
