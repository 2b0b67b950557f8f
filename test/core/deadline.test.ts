import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decide } from '../../src/core/decide.js';
import {
  fewestReplicas,
  finishedIn,
  mostUseful,
  planFor,
  type Crew,
  type Task,
} from '../../src/core/deadline.js';
import { followBacklog } from '../../src/core/backlog.js';
import type { Policy } from '../../src/core/policy.js';
import { initialState, type State } from '../../src/core/state.js';
import { MINUTE, SECOND, type Millis } from '../../src/core/time.js';
import { answered, failed, follow, inCluster, policyWith, queue, reads, START, whole } from './timeline.js';

const crew: Crew = {
  slots: 1,
  serviceTime: 30 * SECOND,
  ready: 0,
  starting: 0,
  startingIn: 4 * MINUTE,
  leadTime: 4 * MINUTE,
  begun: 0,
};

/** Every slot takes the next job when it is free: when each job is done, in order. */
function simulated(jobs: number, replicas: number, given: Crew): Millis[] {
  const { slots, serviceTime, ready, starting, startingIn, leadTime, begun } = given;
  const free = Array.from({ length: replicas }, (_, index) => {
    if (index < ready) return -begun * serviceTime;
    return index < ready + starting ? startingIn : leadTime;
  }).flatMap((at) => Array.from({ length: slots }, () => at));
  return Array.from({ length: jobs }, () => {
    const next = free.indexOf(Math.min(...free));
    return (free[next] = (free[next] ?? 0) + serviceTime);
  });
}

/** GPU time of a run: a replica is paid from now or from its start until its last job. */
function gpuTime(jobs: number, replicas: number, given: Crew): Millis {
  const { slots, serviceTime, ready, leadTime } = given;
  const ends = Array.from({ length: replicas }, (_, index) => ({
    at: index < ready ? 0 : leadTime,
    last: 0,
  }));
  const slotsOf = ends.flatMap((replica) =>
    Array.from({ length: slots }, () => ({ replica, free: replica.at })),
  );
  for (let job = 0; job < jobs; job += 1) {
    const slot = slotsOf.reduce((a, b) => (b.free < a.free ? b : a));
    slot.free += serviceTime;
    slot.replica.last = Math.max(slot.replica.last, slot.free);
  }
  return ends.reduce((sum, { at, last }) => sum + Math.max(at, last), 0);
}

const anyCrew: fc.Arbitrary<Crew> = fc
  .record({
    slots: fc.integer({ min: 1, max: 4 }),
    serviceTime: fc.integer({ min: 1, max: 60 }),
    ready: fc.nat(4),
    starting: fc.nat(3),
    lead: fc.nat(240),
    soon: fc.nat(240),
    tenths: fc.nat(10),
  })
  .map(({ lead, soon, tenths, ...given }) => ({
    ...given,
    leadTime: lead,
    startingIn: Math.min(lead, soon),
    begun: tenths / 10,
  }));
const jobs = fc.integer({ min: 1, max: 60 });

describe('the fewest replicas that finish in time', () => {
  test.each<[string, Task, Partial<Crew>, number | null]>([
    ['12 jobs each in the 6 min that are left of 10', { jobs: 100, within: 10 * MINUTE }, {}, 9],
    ['20 by the one that serves, and 7 more', { jobs: 100, within: 10 * MINUTE }, { ready: 1 }, 8],
    ['those that serve are enough', { jobs: 40, within: 10 * MINUTE }, { ready: 3 }, 2],
    ['starting ones have longer', { jobs: 54, within: 10 * MINUTE }, { starting: 3, startingIn: MINUTE }, 3],
    ['a job is done whole or not: 3 in 100 s and not 3.3', { jobs: 10, within: 340 * SECOND }, {}, 4],
    ['exactly in time is in time', { jobs: 12, within: 10 * MINUTE }, {}, 1],
    ['slots are as many at once', { jobs: 100, within: 10 * MINUTE }, { slots: 4 }, 3],
    ['not even one job is done', { jobs: 1, within: 4 * MINUTE + 29 * SECOND }, {}, null],
    ['it is past', { jobs: 1, within: -MINUTE }, { ready: 5 }, null],
    ['the job that runs is nearly done', { jobs: 1, within: 5 * SECOND }, { ready: 1, begun: 0.9 }, 1],
  ])('%s', (_, task, changes, expected) => {
    expect(fewestReplicas(task, { ...crew, ...changes })).toBe(expected);
  });

  test('are those that a search by simulation finds', () => {
    fc.assert(
      fc.property(jobs, anyCrew, fc.integer({ min: -10, max: 900 }), (jobs, given, within) => {
        const most = given.ready + given.starting + jobs;
        let found: number | null = null;
        for (let replicas = 1; replicas <= most && found === null; replicas += 1) {
          if ((simulated(jobs, replicas, given).at(-1) ?? 0) <= within + 1e-6) found = replicas;
        }
        expect(fewestReplicas({ jobs, within }, given)).toBe(found);
      }),
      { numRuns: 1500 },
    );
  });

  test('cost the least GPU time of all numbers that make it', () => {
    fc.assert(
      fc.property(
        jobs,
        anyCrew,
        fc.integer({ min: 0, max: 900 }),
        fc.nat(20),
        (jobs, given, within, more) => {
          const fresh = { ...given, starting: 0, begun: 0 };
          const fewest = fewestReplicas({ jobs, within }, fresh);
          if (fewest === null) return;
          // With one slot the work is the same for all; with several, the last round may leave slots empty.
          const waste = (fresh.slots - 1) * fresh.serviceTime * fewest;
          const least = gpuTime(jobs, fewest, fresh);
          expect(gpuTime(jobs, fewest + more, fresh)).toBeGreaterThanOrEqual(least - waste - 1e-6);
        },
      ),
      { numRuns: 1000 },
    );
  });

  test('finish when a simulation of as many does', () => {
    fc.assert(
      fc.property(jobs, fc.integer({ min: 1, max: 30 }), anyCrew, (jobs, replicas, given) => {
        const exact = Math.max(0, simulated(jobs, replicas, given).at(-1) ?? 0);
        expect(Math.abs(finishedIn(jobs, replicas, given) - exact)).toBeLessThanOrEqual(1);
      }),
      { numRuns: 1000 },
    );
    expect(finishedIn(5, 0, crew)).toBe(Infinity);
    expect(mostUseful(9, 4)).toBe(3);
    expect(mostUseful(0, 4)).toBe(1);
  });
});

describe('a plan', () => {
  const task = (jobs: number, minutes: number): Task => ({ jobs, within: minutes * MINUTE });

  test('nothing to do takes nobody', () => {
    expect(planFor([], crew, 3, 20)).toEqual({ replicas: 0, short: 0 });
    expect(planFor([task(0, 5)], crew, 3, 20)).toEqual({ replicas: 0, short: 0 });
  });

  test('the hardest task decides: a few that are due soon, or many later', () => {
    expect(planFor([task(12, 10), task(40, 60)], crew, 0, 20)).toEqual({ replicas: 1, short: 0 });
    expect(planFor([task(24, 10), task(40, 60)], crew, 0, 20)).toEqual({ replicas: 2, short: 0 });
    expect(planFor([task(12, 10), task(400, 60)], crew, 0, 20)).toEqual({ replicas: 4, short: 0 });
  });

  test('what stands is kept while the jobs that run may be nearly done', () => {
    // Half way through: 10 run and 10 wait on 10, of which nobody knows how far they are.
    const busy = { ...crew, ready: 10, begun: 0.6 };
    expect(planFor([{ jobs: 20, within: 57 * SECOND }], busy, 10, 20)).toEqual({ replicas: 10, short: 0 });
  });

  test('what cannot be met is late by little more than it must be, and not at any price', () => {
    expect(planFor([task(100, 1)], crew, 0, 20)).toEqual({ replicas: 15, short: 330 * SECOND });
    expect(planFor([task(100, 10)], crew, 0, 4)).toEqual({ replicas: 4, short: 6.5 * MINUTE });
    expect(planFor([task(1, 1)], crew, 0, 20)).toEqual({ replicas: 1, short: 3.5 * MINUTE });
  });

  test('never asks for more than there may be, nor for none while there is work', () => {
    const tasks = fc.array(fc.tuple(jobs, fc.integer({ min: -300, max: 900 })), {
      minLength: 1,
      maxLength: 4,
    });
    fc.assert(
      fc.property(
        tasks,
        anyCrew,
        fc.nat(30),
        fc.integer({ min: 1, max: 30 }),
        (given, crew, standing, most) => {
          let sum = 0;
          const cumulated = given.map(([jobs, within]) => ({ jobs: (sum += jobs), within }));
          const { replicas, short } = planFor(cumulated, crew, standing, most);
          expect(replicas).toBeGreaterThanOrEqual(1);
          expect(replicas).toBeLessThanOrEqual(most);
          const least = cumulated.map((each) => fewestReplicas(each, crew));
          expect(short > 0).toBe(least.some((each) => each === null || each > most));
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe('what is known of a backlog', () => {
  const worker = { slots: 1, serviceTime: 30 * SECOND };
  const at = (batches: readonly { at: Millis; jobs: number }[] | undefined) =>
    batches?.map(({ at, jobs }) => [at / SECOND, Number(jobs.toFixed(3))]);

  test('fewer than before: the oldest went', () => {
    const first = followBacklog(null, 10, 0, worker, 0);
    const second = followBacklog(first, 14, 0, worker, 10 * SECOND);
    expect(at(second?.batches)).toEqual([
      [0, 10],
      [10, 4],
    ]);
    expect(at(followBacklog(second, 3, 0, worker, 20 * SECOND)?.batches)).toEqual([[10, 3]]);
    expect(followBacklog(second, 0, 0, worker, 20 * SECOND)).toBeNull();
  });

  test('as many as before: as many came as were worked off', () => {
    const first = followBacklog(null, 10, 1, worker, 0);
    const half = followBacklog(first, 10, 1, worker, 15 * SECOND);
    expect(half).toEqual({
      at: 15 * SECOND,
      serving: 1,
      begun: 0.5,
      roseAt: null,
      batches: [{ at: 0, jobs: 10 }],
    });
    const more = followBacklog(half, 11, 1, worker, 20 * SECOND);
    const later = followBacklog(more, 11, 1, worker, 75 * SECOND);
    expect(at(later?.batches)).toEqual([
      [0, 8.5],
      [20, 1],
      [75, 1.5],
    ]);
    expect(later).toMatchObject({ at: 75 * SECOND, serving: 1, begun: 1, roseAt: 20 * SECOND });
  });

  test('as many as before although nothing has come for long: they take longer, and are as old as they are', () => {
    const first = followBacklog(null, 10, 1, worker, 0);
    const later = followBacklog(first, 10, 1, worker, 5 * MINUTE);
    expect(later).toEqual({
      at: 5 * MINUTE,
      serving: 1,
      begun: 1,
      roseAt: null,
      batches: [{ at: 0, jobs: 10 }],
    });
  });

  test('of many batches the two that came closest become one, as old as the older', () => {
    let backlog: ReturnType<typeof followBacklog> = null;
    const moments = Array.from({ length: 17 }, (_, index) => (index === 9 ? 8.5 * MINUTE : index * MINUTE));
    for (const [index, now] of moments.entries()) backlog = followBacklog(backlog, index + 1, 0, worker, now);
    expect(backlog?.batches).toHaveLength(16);
    expect(backlog?.batches[8]).toEqual({ at: 8 * MINUTE, jobs: 2 });
    expect(backlog?.batches[9]).toEqual({ at: 10 * MINUTE, jobs: 1 });
  });

  test('the sum is always what is there, and it stays small', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(50), fc.nat(5), fc.nat(60_000)), { maxLength: 80 }), (steps) => {
        let backlog: ReturnType<typeof followBacklog> = null;
        let now = 0;
        for (const [jobs, serving, later] of steps) {
          now += later;
          backlog = followBacklog(backlog, jobs, serving, worker, now);
          const sum = backlog?.batches.reduce((all, each) => all + each.jobs, 0) ?? 0;
          expect(sum).toBeCloseTo(jobs, 6);
          const moments = backlog?.batches.map((each) => each.at) ?? [];
          expect(moments).toEqual(moments.toSorted((a, b) => a - b));
          expect(moments.length).toBeLessThanOrEqual(16);
        }
      }),
    );
  });
});

describe('a deadline in the decision', () => {
  const policy: Policy = policyWith({
    signals: [{ ...queue, backlog: true, target: 1 }],
    burst: false,
    deadline: 10 * MINUTE,
    serviceTime: 30 * SECOND,
    leadTime: 4 * MINUTE,
    leadTimeGiven: true,
  });
  const none = { current: 0, ready: 0 };

  test('asks for the fewest, whatever the target', () => {
    const { last } = follow(policy, [
      [0, inCluster(whole(100), none), { desired: 9, active: true }],
      [5, inCluster(whole(100), { current: 9, ready: 0 }), 9],
    ]);
    expect(last.reason).toContain('queue 100 requests of 30 s, the oldest due in 10 min: 9 of 1 at once');
  });

  test('says early that it cannot be met, and by how much', () => {
    const { last } = follow({ ...policy, maxReplicas: 4 }, [[0, inCluster(whole(100), none), 4]]);
    expect(last.stages).toContainEqual({
      stage: 'deadline',
      replicas: 4,
      why: 'the deadline of 10 min cannot be met: short by 7 min',
    });
  });

  test('goes to zero when nothing is left, and begins anew', () => {
    const { state } = follow(policy, [
      [0, inCluster(whole(12), none), 1],
      [300, inCluster(whole(0), { current: 1, ready: 1 }), { desired: 0, active: false }],
      [305, inCluster(reads(answered([], false)), { current: 0, ready: 0 }), { desired: 0 }],
      [900, inCluster(whole(12), none), 1],
    ]);
    expect(state.backlog?.batches).toEqual([{ at: START + 900 * SECOND, jobs: 12 }]);
  });

  test('an answer that means no load empties it, and one that fails leaves it', () => {
    const idle = policyWith({ ...policy, signals: [{ ...queue, backlog: true, absence: 'idle' }] });
    const { state } = follow(idle, [
      [0, inCluster(whole(12), none), 1],
      [10, inCluster(reads(failed('gone')), { current: 1, ready: 1 }), { verdict: 'held' }],
    ]);
    expect(state.backlog).toMatchObject({ at: START });
    expect(follow(idle, [[20, inCluster(reads(answered([])), none), 0]], state).state.backlog).toBeNull();
  });

  test('knows without the cluster that what was asked for does not serve at once', () => {
    const { state } = follow(policy, [
      [0, whole(100), 9],
      [120, whole(100), 9],
    ]);
    expect(state.backlog?.serving).toBe(0);
    expect(follow(policy, [[240, whole(100), 9]], state).state.backlog?.serving).toBe(9);
  });

  test('knows so too of replicas that were there before the work', () => {
    const woken: State = { ...initialState, asked: 2, raisedAt: START - MINUTE };
    expect(follow(policy, [[0, whole(100), {}]], woken).state.backlog?.serving).toBe(0);
    expect(follow(policy, [[180, whole(100), {}]], woken).state.backlog?.serving).toBe(2);
  });

  test('a clock that was set back ages nothing', () => {
    const { state } = follow(policy, [[0, inCluster(whole(100), none), 9]]);
    const before = inCluster(whole(100), none);
    const { state: after } = decide(state, before(START - MINUTE), policy, START - MINUTE);
    expect(after.backlog).toMatchObject({ at: START - MINUTE, batches: [{ at: START - MINUTE, jobs: 100 }] });
    const cleared = decide({ ...state, backlog: null }, before(START), policy, START - MINUTE);
    expect(cleared.state.backlog?.batches).toHaveLength(1);
  });

  test('is past when it is past, and said so', () => {
    const { last } = follow(policy, [
      [0, inCluster(whole(1), { current: 1, ready: 1 }), 1],
      [690, inCluster(whole(1), { current: 1, ready: 1 }), 1],
    ]);
    expect(last.reason).toContain('the oldest due 90 s ago');
    expect(last.reason).toContain('the deadline of 10 min cannot be met: short by 90 s');
  });

  test('of a signal that counts no jobs means nothing', () => {
    follow(policyWith({ signals: [queue], burst: false, deadline: MINUTE }), [[0, whole(50), 5]]);
  });

  test('without a service time a job is taken to last as long as it may', () => {
    const vague = { ...policy, serviceTime: null, slots: 4 };
    const { last } = follow(vague, [[0, inCluster(whole(8), { current: 2, ready: 2 }), 2]]);
    expect(last.reason).toContain(
      'jobs of 10 min, the oldest due in 10 min: 2 of 4 at once'.replace('jobs', 'requests'),
    );
  });

  test('a state from the future is as old as now, in all its parts', () => {
    const many = follow(policy, [
      [0, inCluster(whole(10), none), 1],
      [60, inCluster(whole(20), none), {}],
    ]);
    const earlier = START + 30 * SECOND;
    const { state } = decide(many.state, inCluster(whole(20), none)(earlier), policy, earlier);
    expect(state.backlog).toMatchObject({ at: earlier, roseAt: earlier });
    expect(state.backlog?.batches.map(({ at }) => at)).toEqual([START, earlier]);
  });
});
