/**
 * Why a query brought nothing.
 *
 * `connection`: no connection, or it broke. `timeout`: our deadline passed. `unavailable`: 5xx or 429.
 * `unusable`: a body that is not a whole Prometheus answer. `refused`: the server is well and says no, or its answer
 * is of no use to us (bad query, credentials, redirect, partial data). `unsent`: it never left here.
 */
export type FaultKind = 'connection' | 'timeout' | 'unavailable' | 'unusable' | 'refused' | 'unsent';

export class QueryFault extends Error {
  readonly kind: FaultKind;
  /** Worth a second attempt within the same deadline. */
  readonly retryable: boolean;

  constructor(kind: FaultKind, message: string, retryable = false) {
    super(message);
    this.name = 'QueryFault';
    this.kind = kind;
    this.retryable = retryable;
  }
}

const LONGEST_QUOTE = 200;

/** Text of another program, fit for one line of ours: no control characters, at most 200 characters. */
export function quoted(text: string): string {
  const line = text
    .slice(0, 2 * LONGEST_QUOTE)
    // Controls, and the marks that reverse or hide text in a terminal.
    .replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ')
    .trim();
  return line.length > LONGEST_QUOTE ? `${line.slice(0, LONGEST_QUOTE)}…` : line;
}
