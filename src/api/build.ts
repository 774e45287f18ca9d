/** Which build this process runs. */

/**
 * The bundle is named after its content; empty where the modules run as they were compiled, as in tests.
 */
export const BUILD = /main-([0-9a-f]+)\.cjs$/.exec(import.meta.filename ?? '')?.[1] ?? '';
