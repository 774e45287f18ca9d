/** Measurement programs in C, compiled on demand on the measured machine. */

import { dirname, join } from 'node:path';
import { DpctlError } from '../../../loader/errors.js';
import { exec } from '../../../loader/hint.js';
import type { Sandbox } from '../subjects/sandbox.js';
import { isInstalled, run } from './process.js';
import { shippedFile } from './shipped-files.js';

/** Programs in native/, and their linker flags. */
const LIBRARIES = { fill: ['-lbpf'], flood: [], connect: [] } as const;
export type NativeProgram = keyof typeof LIBRARIES;

const COMPILERS = ['cc', 'gcc', 'clang'] as const;

/**
 * Compile a program of native/.
 * @returns path of the executable, which is deleted with the sandbox
 * @throws DpctlError BENCH_NEEDS if the compiler or a library is missing
 */
export async function compileNative(sandbox: Sandbox, name: NativeProgram): Promise<string> {
  const compiler = await firstInstalled();
  const source = shippedFile(`src/bench/native/${name}.c`);
  const headers = dirname(shippedFile('bpf/dpctl.h'));
  const program = join(sandbox.folder(`-${name}`), name);
  try {
    await run([compiler, '-O2', `-I${headers}`, '-o', program, source, ...LIBRARIES[name]]);
  } catch (cause) {
    throw new DpctlError('BENCH_NEEDS', `${name}.c does not compile`, {
      hint: exec`apt-get install gcc libc6-dev libbpf-dev`,
      cause,
    });
  }
  return program;
}

async function firstInstalled(): Promise<string> {
  for (const name of COMPILERS) if (await isInstalled(name)) return name;
  throw new DpctlError('BENCH_NEEDS', 'there is no C compiler', {
    hint: exec`apt-get install gcc`,
  });
}
