/** The header by which dpctl itself says to an agent where it stands, and which build it is. */

/** Name of the header. */
export const CALLER = 'dpctl-caller';

/** Who asks. */
export interface CallerFacts {
  /** Empty where it is not known. */
  readonly build: string;
  /** Namespaces and root directory, as linux/process-context.ts has them. */
  readonly processContext: string;
}

/** Value of the header. */
export function callerText({ build, processContext }: CallerFacts): string {
  return `${build === '' ? '-' : build} ${processContext}`;
}

/** What the header says. */
export function callerOf(text: string): CallerFacts {
  const [build = '', ...rest] = text.split(' ');
  return { build: build === '-' ? '' : build, processContext: rest.join(' ') };
}
