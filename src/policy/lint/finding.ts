/** `error`: refused, or cannot do what it says. `warning`: works, until something fails or at a price. */
export type Severity = 'error' | 'warning';

/** One fault of one ScaledObject. */
export interface Finding {
  /** Stable, never given to another rule: `PL006`. */
  readonly code: string;
  readonly severity: Severity;
  readonly file: string;
  /** Both count from 1. */
  readonly line: number;
  readonly column: number;
  /** `namespace/name`; empty for a document that cannot be read. */
  readonly object: string;
  /** What is there. */
  readonly message: string;
  /** Why it hurts. */
  readonly reason: string;
  readonly fix: string;
}
