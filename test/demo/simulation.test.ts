import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  newService,
  queueShares,
  readyPods,
  replicasOf,
  runningIn,
  scaled,
  step,
  waitingIn,
  type Capacity,
  type Service,
} from '../../src/demo/simulation.js';

function names(): () => string {
  let count = 0;
  return () => `pod-${(count += 1)}`;
}

/** So many steps with the same arrivals in each. */
function steps(service: Service, count: number, arrivals = 0): Service {
  let now = service;
  for (let i = 0; i < count; i += 1) now = step(now, arrivals);
  return now;
}

function running(service: Service): number {
  return service.pods.reduce((sum, pod) => sum + runningIn(pod), 0);
}

const capacities: fc.Arbitrary<Capacity> = fc.record({
  slots: fc.integer({ min: 1, max: 5 }),
  serviceTime: fc.integer({ min: 1, max: 8 }),
  coldStart: fc.integer({ min: 1, max: 10 }),
});
type Act = { readonly arrivals: number } | { readonly replicas: number };
const acts: fc.Arbitrary<Act[]> = fc.array(
  fc.oneof(
    { weight: 5, arbitrary: fc.record({ arrivals: fc.integer({ min: 0, max: 12 }) }) },
    { weight: 1, arbitrary: fc.record({ replicas: fc.integer({ min: 0, max: 6 }) }) },
  ),
  { maxLength: 80 },
);

describe('any load and any scaling', () => {
  it('loses no request and makes none up, and gives no pod more than its slots', () => {
    fc.assert(
      fc.property(capacities, acts, (capacity, todo) => {
        const newName = names();
        let service = newService(capacity);
        for (const act of todo) {
          service = 'replicas' in act ? scaled(service, act.replicas, newName) : step(service, act.arrivals);
          expect(service.arrived).toBe(service.succeeded + waitingIn(service) + running(service));
          for (const pod of service.pods) {
            expect(runningIn(pod)).toBeLessThanOrEqual(capacity.slots);
            if (pod.readyAt > service.now) expect(runningIn(pod)).toBe(0);
          }
        }
      }),
    );
  });

  it('keeps no request waiting while a ready pod has a free slot', () => {
    fc.assert(
      fc.property(capacities, acts, (capacity, todo) => {
        const newName = names();
        let service = newService(capacity);
        for (const act of todo) {
          service = 'replicas' in act ? scaled(service, act.replicas, newName) : step(service, act.arrivals);
          const free = readyPods(service).some((pod) => runningIn(pod) < capacity.slots);
          if ('arrivals' in act && free) expect(waitingIn(service)).toBe(0);
        }
      }),
    );
  });

  it('has the replicas that were asked for, and shows all that wait in the queues of its ready pods', () => {
    fc.assert(
      fc.property(capacities, acts, fc.integer({ min: 0, max: 6 }), (capacity, todo, replicas) => {
        const newName = names();
        let service = newService(capacity);
        for (const act of todo)
          service = 'replicas' in act ? scaled(service, act.replicas, newName) : step(service, act.arrivals);
        service = scaled(service, replicas, newName);
        expect(replicasOf(service)).toBe(replicas);
        const shares = queueShares(service);
        expect(shares).toHaveLength(readyPods(service).length);
        const shown = shares.reduce((sum, share) => sum + share, 0);
        expect(shown).toBe(shares.length === 0 ? 0 : waitingIn(service));
      }),
    );
  });
});

describe('one pod', () => {
  const capacity: Capacity = { slots: 2, serviceTime: 3, coldStart: 4 };

  it('serves nobody before its cold start has passed, and then two at a time for three steps each', () => {
    const asked = scaled(newService(capacity), 1, names());
    const cold = steps(step(asked, 5), 2); // step 3: five wait
    expect([waitingIn(cold), running(cold)]).toEqual([5, 0]);
    const first = step(cold, 0); // step 4: ready, two start
    expect([waitingIn(first), running(first)]).toEqual([3, 2]);
    const second = steps(first, 3); // step 7: they end, two more start
    expect([waitingIn(second), running(second), second.succeeded]).toEqual([1, 2, 2]);
    expect(steps(second, 6).succeeded).toBe(5);
  });

  it('counts time in the queue and in all, when a request ends', () => {
    const service = steps(step(scaled(newService(capacity), 1, names()), 3), 20);
    // Come in step 1. Two start in step 4 and end in 7, the third starts in 7 and ends in 10.
    expect(service.pods[0]?.totals).toEqual({
      succeeded: 3,
      queueTime: 3 + 3 + 6,
      requestTime: 6 + 6 + 9,
      busy: 6,
    });
  });

  it('finishes what it serves when it has to go, takes nothing new, and is paid for until then', () => {
    const busy = steps(step(scaled(newService(capacity), 1, names()), 4), 3);
    const leaving = scaled(busy, 0, names());
    expect(replicasOf(leaving)).toBe(0);
    expect(leaving.pods).toHaveLength(1);
    const gone = steps(leaving, 3);
    expect(gone.pods).toHaveLength(0);
    expect([gone.succeeded, waitingIn(gone)]).toEqual([2, 2]);
    expect(steps(gone, 10).podSteps).toBe(gone.podSteps);
  });

  it('is the last to go: pods that are not ready go first', () => {
    const newName = names();
    const ready = steps(scaled(newService(capacity), 1, newName), 5);
    const service = scaled(scaled(ready, 3, newName), 1, newName);
    expect(service.pods.map((pod) => pod.name)).toEqual(['pod-1']);
  });
});
