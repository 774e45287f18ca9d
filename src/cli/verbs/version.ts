import { DpctlError } from '../../../loader/errors.js';
import type { VersionRow } from '../../api/version.js';
import { kernelRelease } from '../../linux/process.js';
import type { Call } from '../parse.js';
import { VERSION } from '../version.js';
import type { Outcome } from './verb.js';

/** dpctl version. */
export async function run(_call: Call): Promise<Outcome> {
  const { ffiBackend, libbpfVersion } = await import('../../../loader/version.js');
  const value: VersionRow = {
    dpctl: VERSION,
    libbpf: orWhy(libbpfVersion),
    ffi: orWhy(ffiBackend),
    kernel: kernelRelease(),
    node: process.versions.node,
  };
  const lines = Object.entries(value).map(([name, version]) => `${name.padEnd(6)}  ${version}\n`);
  return { data: { kind: 'report', value, names: [VERSION], text: () => lines.join('') } };
}

/** A report about a libbpf that does not load needs the other versions all the more. */
function orWhy(ask: () => string): string {
  try {
    return ask();
  } catch (error) {
    if (error instanceof DpctlError) return `none (${error.code})`;
    throw error;
  }
}
