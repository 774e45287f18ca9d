/** The few kinds of checks that invariants consist of. */

/** A violated invariant. */
export interface Fault {
  /** The field, as in the store's files: `endpoints[3].mac`. */
  readonly subject: string;
  readonly message: string;
}

/** Collects faults; each method is one kind of check. */
export interface Checker {
  readonly faults: readonly Fault[];
  report(subject: string, message: string): void;
  /** No two things share a value of a kind. */
  once(subject: string, kind: string, value: string | number): void;
  range(subject: string, value: number, min: number, max: number): void;
  /** A function returns exactly this value, as canonical forms and validators do. */
  fixpoint<T>(subject: string, value: T, canonical: (value: T) => T): boolean;
}

/** A checker without faults. */
export function newChecker(): Checker {
  const faults: Fault[] = [];
  const seen = new Map<string, Set<string | number>>();
  const report = (subject: string, message: string): void => {
    faults.push({ subject, message });
  };
  return {
    faults,
    report,
    once: (subject, kind, value) => {
      const values = seen.get(kind) ?? new Set();
      seen.set(kind, values);
      if (values.has(value)) report(subject, `${kind} ${value} is there twice`);
      values.add(value);
    },
    range: (subject, value, min, max) => {
      if (!Number.isInteger(value) || value < min || value > max) {
        report(subject, `${value} is not from ${min} to ${max}`);
      }
    },
    fixpoint: (subject, value, canonical) => {
      try {
        const wanted = canonical(value);
        if (wanted === value) return true;
        report(subject, `${value} is to be written ${wanted}`);
      } catch (error) {
        report(subject, error instanceof Error ? error.message : String(error));
      }
      return false;
    },
  };
}
