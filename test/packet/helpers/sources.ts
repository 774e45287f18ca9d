/** The datapath's source, to check that an event names the right line. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type FrameEvent, nameOfSourceFile } from '../../../src/contract/generated.js';

const BPF = join(import.meta.dirname, '../../../../bpf');

/** Name in enum source_file -> lines of the file: `fdb/learn.h` is fdb_learn. */
const sources = new Map<string, readonly string[]>();
for (const entry of readdirSync(BPF, { recursive: true, encoding: 'utf8' })) {
  if (!/\.[ch]$/.test(entry)) continue;
  const name = entry.replace(/(\.bpf)?\.[ch]$/, '').replaceAll('/', '_');
  if (sources.has(name)) throw new Error(`two files are ${name}`);
  sources.set(name, readFileSync(join(BPF, entry), 'utf8').split('\n'));
}

/** The line of the datapath's source that an event names, trimmed. */
export function sourceLine(event: FrameEvent): string {
  const name = nameOfSourceFile(event.file);
  return sources.get(name)?.[event.line - 1]?.trim() ?? `no line ${event.line} in ${name}`;
}
