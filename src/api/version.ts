/** What `version` gives, and the versions of what dpctl writes for a later one to read. */

/**
 * Versions of the documents that outlive a command; a reader refuses one that is newer. A change that
 * an older reader would get wrong is a new version.
 */
export const FORMATS = {
  /** The desired state on disk: src/model/state/. */
  state: 1,
  /** A run of `bench`: src/api/bench.ts. */
  bench: 1,
} as const;

/** Versions of all that works together. */
export interface VersionRow {
  readonly dpctl: string;
  /** Of the libbpf that is loaded, or `none (WHY)`. */
  readonly libbpf: string;
  /** How native code is called, or `none (WHY)`. */
  readonly ffi: string;
  /** Release of the kernel that runs. */
  readonly kernel: string;
  /** Version of Node.js. */
  readonly node: string;
}

/**
 * The build that this process runs. The bundle is named after its content; empty if the modules run as they
 * were compiled, as in tests.
 */
export const BUILD = /main-([0-9a-f]+)\.cjs$/.exec(import.meta.filename ?? '')?.[1] ?? '';
