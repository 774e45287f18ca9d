/** The built command line as a child process, as users run it. */
import { fileURLToPath } from 'node:url';
import { execa, type Options } from 'execa';

/** The bundle. */
export const DPCTL = fileURLToPath(new URL('../../../dpctl.cjs', import.meta.url));

/** The result of a run. */
export interface Ran {
  /** Exit code; 128 and more for a signal, as in shells. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Variables of the test environment that the child must not see. */
const OWN = /^(DPCTL_|NO_COLOR$|TERM$)/;

/**
 * Run dpctl with these words; never throws.
 * @param options of execa; `env` replaces all of dpctl's own variables
 */
export async function dpctl(words: readonly string[], options: Options = {}): Promise<Ran> {
  const inherited = Object.entries(process.env).filter(([name]) => !OWN.test(name));
  const result = await execa(process.execPath, [DPCTL, ...words], {
    reject: false,
    timeout: 30_000,
    stdin: 'ignore',
    stripFinalNewline: false,
    ...options,
    extendEnv: false,
    env: { ...Object.fromEntries(inherited), TERM: 'xterm', ...options.env },
  });
  const code = result.exitCode ?? 255;
  return { code, stdout: String(result.stdout ?? ''), stderr: String(result.stderr ?? '') };
}
