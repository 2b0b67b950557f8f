import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  admit,
  afterFailure,
  afterOwnFault,
  CLOSED,
  FAILURES_TO_OPEN,
  passable,
  type Breaker,
} from '../../../src/signals/prometheus/breaker.js';

const T0 = 1_700_000_000_000;

function failTimes(times: number, now = T0): Breaker {
  let breaker: Breaker = CLOSED;
  for (let i = 0; i < times; i += 1) breaker = afterFailure(breaker, now, `failure ${i + 1}`);
  return breaker;
}

describe('breaker', () => {
  it('stays closed for four failures in a row and opens with the fifth', () => {
    expect(failTimes(4)).toEqual({ kind: 'closed', failures: 4 });
    expect(failTimes(5)).toEqual({
      kind: 'open',
      since: T0,
      until: T0 + 5000,
      length: 5000,
      why: 'failure 5',
    });
  });

  it('lets nothing through while open, and one probe after it', () => {
    const open = failTimes(FAILURES_TO_OPEN);
    expect(passable(open, T0)).toBe(false);
    expect(passable(open, T0 + 4999)).toBe(false);
    expect(passable(open, T0 + 5000)).toBe(true);
    const probing = admit(open);
    expect(probing.kind).toBe('half-open');
    expect(passable(probing, T0 + 60_000)).toBe(false);
  });

  it('doubles the pause with each failed probe, to a minute at most', () => {
    let breaker = failTimes(FAILURES_TO_OPEN);
    const lengths: number[] = [];
    for (let i = 0; i < 6; i += 1) {
      if (breaker.kind === 'open') lengths.push(breaker.length);
      breaker = afterFailure(admit(breaker), T0, 'again');
    }
    expect(lengths).toEqual([5000, 10_000, 20_000, 40_000, 60_000, 60_000]);
  });

  it('does not count failures of queries that set out before it opened', () => {
    const open = failTimes(FAILURES_TO_OPEN);
    expect(afterFailure(open, T0 + 4000, 'late')).toBe(open);
  });

  it('repeats a probe that said nothing of the server after the same pause', () => {
    const open = failTimes(FAILURES_TO_OPEN);
    expect(afterOwnFault(admit(open), T0 + 5000)).toMatchObject({
      kind: 'open',
      until: T0 + 10_000,
      length: 5000,
    });
    expect(afterOwnFault(CLOSED, T0)).toBe(CLOSED);
  });

  it('does not stay open for longer when the clock is set back', () => {
    expect(passable(failTimes(FAILURES_TO_OPEN), T0 - 3_600_000)).toBe(true);
  });

  it('is never open for longer than a minute and always lets a query through after it', () => {
    const step = fc.constantFrom('fail', 'admit', 'own', 'wait');
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        let breaker: Breaker = CLOSED;
        let now = T0;
        for (const what of steps) {
          if (what === 'fail') breaker = afterFailure(breaker, now, 'x');
          else if (what === 'own') breaker = afterOwnFault(breaker, now);
          else if (what === 'admit' && passable(breaker, now)) breaker = admit(breaker);
          else now += 7000;
          if (breaker.kind === 'open') {
            expect(breaker.until - breaker.since).toBeLessThanOrEqual(60_000);
            expect(passable(breaker, breaker.until)).toBe(true);
          }
        }
      }),
    );
  });
});
