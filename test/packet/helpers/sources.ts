/** The datapath's source, to check that an event points at the line that it comes from. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Event, nameOfSourceFile } from '../../../src/contract/generated.js';

const lines = new Map<string, readonly string[]>();

/** The line of the datapath's source that an event names, trimmed. */
export function sourceLine(event: Event): string {
  const name = nameOfSourceFile(event.file);
  const file = name === 'endpoint' ? 'endpoint.bpf.c' : `${name}.h`;
  const path = join(import.meta.dirname, '../../../../bpf', file);
  const known = lines.get(path) ?? readFileSync(path, 'utf8').split('\n');
  lines.set(path, known);
  return known[event.line - 1]?.trim() ?? `no line ${event.line} in ${file}`;
}
