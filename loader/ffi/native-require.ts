import { createRequire } from 'node:module';

/**
 * A CommonJS require for native packages, which must load lazily and synchronously. Works from the
 * ES modules of the build and from a CommonJS bundle, where import.meta is empty.
 */
export const nativeRequire = createRequire(
  typeof __filename === 'string' ? __filename : import.meta.url,
);
