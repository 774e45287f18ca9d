/** Result row of `version`, and format versions of the documents that dpctl writes. */

/**
 * Format versions of persistent documents. A reader refuses newer ones. Any change that an older reader
 * would misread needs a new version.
 */
export const FORMATS = {
  /** Desired state on disk: src/model/state/. */
  state: 1,
  /** Result of `bench`: src/api/bench.ts. */
  bench: 1,
} as const;

/** Versions of dpctl and of the components that it runs on. */
export interface VersionRow {
  readonly dpctl: string;
  /** Version of the loaded libbpf, or `none (WHY)`. */
  readonly libbpf: string;
  /** Foreign function interface in use, or `none (WHY)`. */
  readonly ffi: string;
  /** Release of the running kernel. */
  readonly kernel: string;
  /** Version of Node.js. */
  readonly node: string;
}

/**
 * The build that this process runs: the hash in the name of the bundle. Empty if the process runs the
 * compiled modules, as in tests.
 */
export const BUILD = /main-([0-9a-f]+)\.cjs$/.exec(import.meta.filename ?? '')?.[1] ?? '';
