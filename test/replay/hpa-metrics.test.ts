import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { averageValueReplicas, milli, podsReplicas, valueReplicas } from '../../src/replay/hpa-metrics.js';

const TENTH = { scaleUp: 0.1, scaleDown: 0.1 };
const all = (count: number) => ({ spec: count, status: count, ready: count });

describe('External with averageValue', () => {
  // Observed on Kubernetes 1.36 with target 1.
  it.each([
    [20, 21, 20],
    [20, 22, 20], // exactly 1.1 is inside
    [20, 23, 23],
    [23, 21, 23],
    [23, 20, 20],
    [20, 19, 20],
    [20, 18, 20], // exactly 0.9 is inside
    [20, 17, 17],
  ])('at %i replicas a value of %i gives %i', (current, value, expected) => {
    expect(averageValueReplicas(milli(value), milli(1), all(current), TENTH)).toBe(expected);
  });

  it('counts replicas that exist, ready or not', () => {
    const replicas = { spec: 10, status: 5, ready: 1 };
    expect(averageValueReplicas(milli(51), milli(10), replicas, TENTH)).toBe(5);
  });

  it('follows exactly with tolerance 0, and each direction has its own', () => {
    expect(averageValueReplicas(milli(21), milli(1), all(20), { scaleUp: 0, scaleDown: 0 })).toBe(21);
    expect(averageValueReplicas(milli(21), milli(1), all(20), { scaleUp: 0, scaleDown: 0.1 })).toBe(21);
    expect(averageValueReplicas(milli(19), milli(1), all(20), { scaleUp: 0, scaleDown: 0.1 })).toBe(20);
  });

  it('scales on any usage while no pod exists yet', () => {
    const replicas = { spec: 1, status: 0, ready: 0 };
    expect(averageValueReplicas(milli(25), milli(10), replicas, TENTH)).toBe(3);
  });
});

describe('External with value', () => {
  it('multiplies the ready replicas, so that a constant value never settles', () => {
    expect([1, 2, 4, 8].map((count) => valueReplicas(milli(20), milli(10), all(count), TENTH))).toEqual([
      2, 4, 8, 16,
    ]);
  });

  it('keeps spec.replicas within the tolerance, though fewer are ready', () => {
    expect(valueReplicas(milli(10.9), milli(10), { spec: 16, status: 16, ready: 3 }, TENTH)).toBe(16);
    expect(valueReplicas(milli(11.1), milli(10), { spec: 16, status: 16, ready: 3 }, TENTH)).toBe(4);
  });
});

describe('a Pods metric', () => {
  const target = milli(0.6);
  const reading = (mean: number, pods: number, missing = 0, pending = 0) => ({
    total: mean * pods,
    pods,
    missing,
    pending,
  });

  it.each([
    ['above the target', reading(0.9, 4), 4, 6],
    ['below the target', reading(0.3, 4), 4, 2],
    ['near the target', reading(0.63, 4), 4, 4],
    // (4 × 0.9 + 0 + 0) ÷ 6 = 0.6: on target
    ['up, with missing pods that count as idle', reading(0.9, 4, 2), 6, 6],
    // (4 × 1 + 0) ÷ 5 = 0.8, × 5 ÷ 0.6 = 6.7
    ['up, more than the missing pods will take', reading(1, 4, 1), 5, 7],
    // (4 × 0.3 + 2 × 0.6) ÷ 6 = 0.4, × 6 ÷ 0.6 = 4
    ['down, with missing pods that count as on target', reading(0.3, 4, 2), 6, 4],
    ['up, with pending pods that count as idle', reading(0.9, 4, 0, 2), 6, 6],
    ['down, with pending pods that do not count', reading(0.3, 4, 0, 2), 6, 2],
    ['on target, whatever is missing', reading(0.6, 4, 2), 6, 6],
    // (1 × 0.9 + 0) ÷ 3 = 0.3 would be down
    ['a direction that missing pods turn round', reading(0.9, 1, 2), 3, 3],
  ])('%s', (_, read, current, expected) => {
    expect(podsReplicas(read, target, all(current), TENTH)).toBe(expected);
  });

  it('is invalid when no pod has a value', () => {
    expect(podsReplicas(reading(0, 0, 3), target, all(3), TENTH)).toBeNull();
  });

  it('never goes against what the pods with values say', () => {
    const count = fc.nat(12);
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 2, noNaN: true }),
        count,
        count,
        count,
        (mean, pods, missing, pending) => {
          const current = pods + missing + pending;
          const desired = podsReplicas(reading(mean, pods, missing, pending), target, all(current), TENTH);
          expect(desired === null).toBe(pods === 0);
          if (mean > 0.6) expect(desired ?? current).toBeGreaterThanOrEqual(current);
          if (mean < 0.6) expect(desired ?? current).toBeLessThanOrEqual(current);
        },
      ),
    );
  });
});
