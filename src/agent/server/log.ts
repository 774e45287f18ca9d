/** The log interface of an agent's parts: pino's form, so that any logger of that form fits. */

/** Facts by name, then a sentence. */
type Write = (facts: object, message: string) => void;

export interface Log {
  readonly debug: Write;
  readonly info: Write;
  readonly warn: Write;
  readonly error: Write;
}

/** Writes nothing. */
export const SILENT: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
