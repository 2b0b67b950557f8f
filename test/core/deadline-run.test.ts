import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fewestReplicas } from '../../src/core/deadline.js';
import { decide } from '../../src/core/decide.js';
import type { Policy } from '../../src/core/policy.js';
import { initialState, type State } from '../../src/core/state.js';
import { MINUTE, SECOND, type Millis } from '../../src/core/time.js';
import { inCluster, policyWith, queue, START, whole } from './timeline.js';

const policy: Policy = policyWith({
  signals: [{ ...queue, backlog: true, target: 1 }],
  burst: false,
  deadline: 10 * MINUTE,
  serviceTime: 30 * SECOND,
  leadTime: 4 * MINUTE,
});

describe('a batch with a deadline, from beginning to end', () => {
  interface Run {
    readonly lateBy: Millis;
    readonly most: number;
    readonly starts: number;
    readonly worstStage: boolean;
  }

  /** Jobs at once, on replicas that start after the lead time and leave when they are not wanted and have no job. */
  function run(count: number, given: Policy): Run {
    const [tick, slots] = [5 * SECOND, given.slots ?? 1];
    const service = given.serviceTime ?? SECOND;
    let state: State = initialState;
    let waiting = count;
    const replicas: { readyAt: Millis; jobs: Millis[] }[] = [];
    const totals = { lateBy: -Infinity, most: 0, starts: 0, worstStage: false };
    for (let now = START; now < START + 6 * 3600 * SECOND; now += tick) {
      for (const each of replicas) each.jobs = each.jobs.filter((end) => end > now);
      const active = replicas.reduce((sum, each) => sum + each.jobs.length, 0);
      if (waiting + active === 0) return { ...totals, lateBy: now - (START + (given.deadline ?? 0)) };
      const ready = replicas.filter(({ readyAt }) => readyAt <= now).length;
      const view = inCluster(whole(waiting + active), { current: replicas.length, ready });
      const step = decide(state, view(now), given, now);
      state = step.state;
      const { desired, stages } = step.decision;
      totals.worstStage ||= stages.some(({ stage }) => stage === 'deadline');
      while (replicas.length < desired) {
        replicas.push({ readyAt: now + given.leadTime, jobs: [] });
        totals.starts += 1;
      }
      for (let index = replicas.length - 1; index >= 0 && replicas.length > desired; index -= 1)
        if (replicas[index]?.jobs.length === 0) replicas.splice(index, 1);
      totals.most = Math.max(totals.most, replicas.length);
      for (const each of replicas) {
        while (each.readyAt <= now && each.jobs.length < slots && waiting > 0) {
          each.jobs.push(now + service);
          waiting -= 1;
        }
      }
    }
    throw new Error('never done');
  }

  test('a batch is done in time by as many as were planned at first, and no replica is started twice', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 400 }),
        fc.constantFrom(10, 30, 60),
        fc.constantFrom(1, 4),
        fc.constantFrom(0, 60, 240),
        fc.integer({ min: 6, max: 40 }),
        (count, service, slots, lead, minutes) => {
          const given: Policy = {
            ...policy,
            slots,
            serviceTime: service * SECOND,
            leadTime: lead * SECOND,
            deadline: minutes * MINUTE,
          };
          const fresh = {
            slots,
            serviceTime: service * SECOND,
            ready: 0,
            starting: 0,
            startingIn: 0,
            leadTime: lead * SECOND,
            begun: 0,
          };
          // Whole ticks pass before a decision and before a slot takes its next job: what fits only just may be late by that.
          const planned = fewestReplicas({ jobs: count, within: minutes * MINUTE }, fresh);
          const { lateBy, most, starts } = run(count, given);
          expect(lateBy).toBeLessThanOrEqual(service * SECOND + 10 * SECOND);
          expect(most).toBeLessThanOrEqual((planned ?? 0) + 1);
          expect(starts).toBeLessThanOrEqual((planned ?? 0) + 1);
        },
      ),
      { numRuns: 1500 },
    );
  });
});
