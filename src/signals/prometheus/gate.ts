import { setTimeout as pause } from 'node:timers/promises';
import { inWords, type Millis } from '../../core/time.js';
import type { Clock } from '../../ports/clock.js';
import { admit, afterFailure, afterOwnFault, CLOSED, passable, type Breaker } from './breaker.js';
import type { Deadline } from './deadline.js';
import { QueryFault } from './fault.js';
import { createPlaces, type Places } from '../places.js';
import { earn, FULL, spend } from './retry-budget.js';

/** What lets queries through to one server, a second time if need be, and holds them back. */
export interface Gate {
  /**
   * The work's result, within the deadline.
   *
   * @param fromTrigger the work is a tenant's own query
   * @throws QueryFault the work's, or `unsent` when it was held back
   */
  pass<T>(fromTrigger: boolean, deadline: Deadline, work: () => Promise<T>): Promise<T>;
  state(): GateState;
}

export interface GateState {
  readonly breaker: Breaker['kind'];
  /** When the next query is let through while the breaker is open. */
  readonly opensAgainAt: Millis | null;
  readonly retries: number;
  readonly underWay: number;
  readonly waiting: number;
}

/** Before the second attempt: long enough for a restarted listener or the next endpoint of a Service. */
const RETRY_PAUSE: Millis = 100;

export function createGate(maxConcurrent: number, clock: Clock): Gate {
  const places = createPlaces(maxConcurrent);
  // However slow the tenants' queries are, half the places stay free for the signals of everybody.
  const triggerPlaces = createPlaces(Math.max(1, Math.floor(maxConcurrent / 2)));
  let breaker: Breaker = CLOSED;
  let budget = FULL;
  let retries = 0;

  /** One attempt, reported to the breaker whatever comes of it. */
  async function attempt<T>(fromTrigger: boolean, work: () => Promise<T>): Promise<T> {
    refuseWhileOpen(breaker, clock.now());
    breaker = admit(breaker);
    try {
      const result = await work();
      breaker = CLOSED;
      return result;
    } catch (error) {
      breaker = breakerAfter(breaker, error, fromTrigger, clock.now());
      throw error;
    }
  }

  async function attempts<T>(fromTrigger: boolean, deadline: Deadline, work: () => Promise<T>): Promise<T> {
    budget = earn(budget);
    try {
      return await attempt(fromTrigger, work);
    } catch (error) {
      const left = error instanceof QueryFault && error.retryable ? spend(budget) : null;
      if (left === null || breaker.kind !== 'closed') throw error;
      budget = left;
      retries += 1;
    }
    deadline.stage = 'pausing before the second attempt';
    await pause(RETRY_PAUSE, undefined, { signal: deadline.signal });
    return attempt(fromTrigger, work);
  }

  return {
    async pass(fromTrigger, deadline, work) {
      refuseWhileOpen(breaker, clock.now());
      deadline.stage = `waiting for one of ${maxConcurrent} places for queries`;
      const needed = fromTrigger ? [triggerPlaces, places] : [places];
      return holding(needed, deadline.signal, () => attempts(fromTrigger, deadline, work));
    },
    state: () => ({
      breaker: breaker.kind,
      opensAgainAt: breaker.kind === 'open' ? breaker.until : null,
      retries,
      underWay: places.taken(),
      waiting: places.waiting() + triggerPlaces.waiting(),
    }),
  };
}

async function holding<T>(
  needed: readonly Places[],
  signal: AbortSignal,
  work: () => Promise<T>,
): Promise<T> {
  const held: Places[] = [];
  try {
    for (const places of needed) {
      await places.take(signal);
      held.push(places);
    }
    return await work();
  } finally {
    for (const places of held) places.leave();
  }
}

function refuseWhileOpen(breaker: Breaker, now: Millis): void {
  if (breaker.kind === 'closed' || passable(breaker, now)) return;
  const next =
    breaker.kind === 'open' ? `tries again in ${inWords(breaker.until - now)}` : 'is trying again now';
  throw new QueryFault('unsent', `left alone after repeated failures, ${next}; the last: ${breaker.why}`);
}

function breakerAfter(breaker: Breaker, error: unknown, fromTrigger: boolean, now: Millis): Breaker {
  const kind = error instanceof QueryFault ? error.kind : 'unsent';
  if (kind === 'refused') return CLOSED; // the server is well, it just says no
  // A tenant's query that is too heavy must not blind everybody else; a connection that fails is nobody's query.
  const nothingLearnt = kind === 'unsent' || (fromTrigger && kind !== 'connection');
  return nothingLearnt ? afterOwnFault(breaker, now) : afterFailure(breaker, now, (error as Error).message);
}
