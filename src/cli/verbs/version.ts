import { release } from 'node:os';
import type { Call } from '../parse.js';
import { VERSIONS } from '../schemas/control.js';
import { VERSION } from '../version.js';
import type { Outcome } from './verb.js';

/** dpctl version. */
export async function run(_call: Call): Promise<Outcome> {
  const row = {
    dpctl: VERSION,
    libbpf: '',
    kernel: release(),
    ffi: '',
    node: process.versions.node,
  };
  return { data: { kind: 'object', schema: VERSIONS, row } };
}
