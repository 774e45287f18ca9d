/** Header of dpctl's own requests to the agent: the build and the namespaces of the client. */

/** Name of the header. */
export const CALLER = 'dpctl-caller';

/** Build and namespaces of a client. */
export interface CallerFacts {
  /** Empty if unknown. */
  readonly build: string;
  /** Namespaces and root directory, in the format of linux/process-context.ts. */
  readonly processContext: string;
}

/** Encode the value of the header. */
export function callerText({ build, processContext }: CallerFacts): string {
  return `${build === '' ? '-' : build} ${processContext}`;
}

/** Parse the value of the header. */
export function callerOf(text: string): CallerFacts {
  const [build = '', ...rest] = text.split(' ');
  return { build: build === '-' ? '' : build, processContext: rest.join(' ') };
}
