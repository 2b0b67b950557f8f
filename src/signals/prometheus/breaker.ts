import { SECOND, type Millis } from '../../core/time.js';

/**
 * The circuit breaker of one Prometheus: after some failures in a row it is left alone for a while, so that a server
 * that hangs costs one deadline now and then instead of one for every query of every tick.
 */
export type Breaker =
  | { readonly kind: 'closed'; readonly failures: number }
  | {
      readonly kind: 'open';
      readonly since: Millis;
      readonly until: Millis;
      readonly length: Millis;
      readonly why: string;
    }
  /** One query has been let through to see whether the server is back. */
  | { readonly kind: 'half-open'; readonly length: Millis; readonly why: string };

export const FAILURES_TO_OPEN = 5;
const FIRST_LENGTH: Millis = 5 * SECOND;
const LONGEST: Millis = 60 * SECOND;

export const CLOSED: Breaker = { kind: 'closed', failures: 0 };

/** Whether a query may go now. Changes nothing: `admit` does. */
export function passable(breaker: Breaker, now: Millis): boolean {
  switch (breaker.kind) {
    case 'closed':
      return true;
    case 'half-open':
      return false;
    case 'open':
      // A clock that was set back must not keep it open for longer than meant.
      return now >= breaker.until || now < breaker.since;
  }
}

/** The state once a query has been let through; the first one after the pause becomes the probe. */
export function admit(breaker: Breaker): Breaker {
  if (breaker.kind !== 'open') return breaker;
  return { kind: 'half-open', length: breaker.length, why: breaker.why };
}

export function afterFailure(breaker: Breaker, now: Millis, why: string): Breaker {
  switch (breaker.kind) {
    case 'closed': {
      const failures = breaker.failures + 1;
      return failures < FAILURES_TO_OPEN ? { kind: 'closed', failures } : opened(now, FIRST_LENGTH, why);
    }
    case 'half-open':
      return opened(now, Math.min(2 * breaker.length, LONGEST), why);
    case 'open':
      return breaker; // a query that set out before it opened
  }
}

/** A failure that says nothing of the server, such as one tenant's heavy query: a probe has to be repeated. */
export function afterOwnFault(breaker: Breaker, now: Millis): Breaker {
  return breaker.kind === 'half-open' ? opened(now, breaker.length, breaker.why) : breaker;
}

function opened(now: Millis, length: Millis, why: string): Breaker {
  return { kind: 'open', since: now, until: now + length, length, why };
}
