import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { hpaReplicas, milliOf, withinTolerance, type Tolerance } from '../../src/core/hpa.js';
import { hpaTolerance, publishReplicas, publishSignals } from '../../src/core/publish.js';
import { hpaWants } from './hpa-model.js';

const DEFAULT = both(0.1);
const TOLERANCES = [both(0), both(0.05), DEFAULT, both(0.25), { up: 0.3, down: 0.05 }, { up: 0, down: 0.2 }];

function both(tolerance: number): Tolerance {
  return { up: tolerance, down: tolerance };
}

function reader(current: number | null, tolerance = DEFAULT, most = Infinity) {
  return { current, tolerance, most };
}

/** What the HPA makes of a value for a target of 1. */
function takenAt(value: number, current: number, tolerance: Tolerance): number {
  return hpaWants([{ value, target: 1 }], current, tolerance);
}

describe.each(TOLERANCES)('at a tolerance of $up up and $down down', (tolerance) => {
  test('every count from 0 to 200 at every other: wanted where a value exists, else the side of latency', () => {
    for (let current = 1; current <= 200; current += 1) {
      for (let wanted = 0; wanted <= 200; wanted += 1) {
        const { value, hpaReplicas: said, why } = publishReplicas(wanted, reader(current, tolerance));
        const taken = takenAt(value, current, tolerance);
        if (
          taken !== said ||
          taken < wanted ||
          (why === null) !== (taken === wanted) ||
          !hasThreeDecimals(value)
        )
          expect.fail(`${wanted} at ${current}: ${value} gives ${taken}, said ${said}, ${why}`);
        if (taken !== wanted && isReachable(wanted, current, tolerance))
          expect.fail(`${wanted} at ${current} can be reached, but ${value} gives ${taken}`);
      }
    }
  });
});

/** Tries every thousandth that could round up to the wanted count; the band is an interval, so that above 30 the ends do. */
function isReachable(wanted: number, current: number, tolerance: Tolerance): boolean {
  if (wanted === 0) return true;
  const step = current <= 30 ? 1 : 999;
  for (let milli = wanted * 1000 - 999; milli <= wanted * 1000; milli += step)
    if (takenAt(milli / 1000, current, tolerance) === wanted) return true;
  return false;
}

function hasThreeDecimals(value: number): boolean {
  return Math.abs(value * 1000 - Math.round(value * 1000)) < 1e-6;
}

describe('worked examples', () => {
  test.each([
    // wanted, current, value, what the HPA makes of it
    [3, 1, 3, 3],
    [11, 10, 11.001, 12],
    [9, 10, 8.999, 9],
    [18, 20, 17.999, 18],
    [19, 20, 20, 20],
    [21, 20, 22.001, 23],
    [17, 20, 17, 17],
    [20, 20, 20, 20],
    [0, 20, 0, 0],
  ])('%d at %d: %d, which gives %d', (wanted, current, value, taken) => {
    expect(publishReplicas(wanted, reader(current))).toMatchObject({ value, hpaReplicas: taken });
  });

  test('what cannot be reached is said', () => {
    expect(publishReplicas(11, reader(10)).why).toBe(
      'the HPA ignores 11 at 10 (tolerance 0.1); 12 is the next it takes',
    );
    expect(publishReplicas(19, reader(20)).why).toBe(
      'the HPA ignores 19 at 20 (tolerance 0.1) and would go to 18; kept at 20',
    );
  });

  test.each([null, 0])('at a count of %s the wanted one goes out as it is', (current) => {
    expect(publishReplicas(11, reader(current))).toEqual({ value: 11, hpaReplicas: 11, why: null });
  });

  test('no value leads above the most', () => {
    for (let current = 1; current <= 60; current += 1) {
      for (let most = 1; most <= 60; most += 1) {
        const wanted = Math.min(most, 60);
        const { value } = publishReplicas(wanted, reader(current, DEFAULT, most));
        expect(takenAt(value, current, DEFAULT)).toBeLessThanOrEqual(most);
      }
    }
  });

  test('KEDA cuts thousandths off: 1.001 arrives as 1.000', () => {
    expect(milliOf(1.001)).toBe(1000);
    expect(milliOf(11.001)).toBe(11_001);
    // At 1 and a tolerance of 0.0005 the first value above the band is therefore not 1.001.
    const { value } = publishReplicas(2, { current: 1, tolerance: both(0.9999), most: Infinity });
    expect(takenAt(value, 1, both(0.9999))).toBe(2);
  });

  test('counts beyond all clusters end too', () => {
    for (const current of [150_000, 2 ** 31, 2 ** 53, 1e300]) {
      expect(publishReplicas(current + 1, reader(current)).value).toBeLessThanOrEqual(9e15);
      expect(publishReplicas(current * 0.95, reader(current), 1e12).value).toBeLessThanOrEqual(9e15);
    }
  });
});

describe('for a target other than 1', () => {
  const target = fc.oneof(
    fc.constantFrom(0.001, 0.57, 0.7, 10, 40),
    fc.double({ min: 0.001, max: 1e6, noNaN: true }),
  );
  const count = fc.integer({ min: 1, max: 200 });
  const tolerance = fc.constantFrom(...TOLERANCES);

  test('the HPA makes of the value what is said, and never less than wanted', () => {
    fc.assert(
      fc.property(fc.nat(200), count, tolerance, target, (wanted, current, tolerance, target) => {
        const { value, hpaReplicas: said } = publishReplicas(wanted, reader(current, tolerance), target);
        expect(hpaWants([{ value, target }], current, tolerance)).toBe(said);
        expect(said).toBeGreaterThanOrEqual(wanted);
        // At least as near as with a target of 1, whose thousandths are coarser or equal for any target from 1 up.
        if (target >= 1)
          expect(said).toBeLessThanOrEqual(publishReplicas(wanted, reader(current, tolerance)).hpaReplicas);
      }),
      { numRuns: 1000 },
    );
  });

  test('raw values go out as they are where they make the wanted count, else values that do', () => {
    const signals = fc.array(fc.tuple(target, fc.double({ min: 0, max: 1e5, noNaN: true })), {
      minLength: 1,
      maxLength: 4,
    });
    fc.assert(
      fc.property(signals, fc.nat(200), count, tolerance, (signals, wanted, current, tolerance) => {
        const targets = signals.map(([target]) => target);
        const raw = signals.map(([, value]) => value);
        const made = publishSignals(raw, targets, wanted, reader(current, tolerance));
        const metrics = targets.map((target, index) => ({ target, value: made.values[index]! }));
        const atLeastOne = (replicas: number) => Math.max(1, replicas);
        expect(atLeastOne(hpaWants(metrics, current, tolerance))).toBe(atLeastOne(made.hpaReplicas));
        expect(atLeastOne(made.hpaReplicas)).toBeGreaterThanOrEqual(wanted);
        const alone = raw.map((value, index) => ({ value, target: targets[index]! }));
        if (atLeastOne(hpaWants(alone, current, tolerance)) === atLeastOne(wanted))
          expect(made).toEqual({ values: raw, hpaReplicas: wanted, why: null });
        else expect(made.why).not.toBeNull();
      }),
      { numRuns: 1000 },
    );
  });

  test('a signal without a value counts as 0, and the leading one carries the count', () => {
    expect(publishSignals([], [10, 40], 3, reader(3))).toEqual({
      values: [30, 0],
      hpaReplicas: 3,
      why: 'published as 3: the raw values alone make 0',
    });
    expect(publishSignals([5, 100], [10, 40], 4, reader(3)).values).toEqual([5, 160]);
    expect(publishSignals([90, 100], [10, 40], 4, reader(3)).values).toEqual([40, 100]);
    expect(publishSignals([90, 150], [10, 40], 4, reader(3)).values).toEqual([40, 150]);
    expect(publishSignals([90, 300], [10, 40], 4, reader(null)).values).toEqual([40, 160]);
    expect(publishSignals([200], [10], 19, reader(20))).toMatchObject({ values: [200], hpaReplicas: 20 });
    expect(publishSignals([0], [10], 19, reader(20)).why).toContain('kept at 20');
  });

  test('a target below a thousandth does not divide by 0', () => {
    expect(publishReplicas(3, reader(1), 1e-9)).toMatchObject({ value: 0.003, hpaReplicas: 3 });
  });
});

describe('the arithmetic itself', () => {
  test('agrees with the model', () => {
    const milli = fc.integer({ min: 0, max: 300_000 });
    fc.assert(
      fc.property(
        milli,
        fc.integer({ min: 1, max: 200 }),
        fc.constantFrom(...TOLERANCES),
        (milli, current, tolerance) => {
          const value = milli / 1000;
          expect(hpaReplicas(milliOf(value), 1000, current, tolerance)).toBe(
            takenAt(value, current, tolerance),
          );
        },
      ),
    );
  });

  test('as observed with KEDA 2.20 on Kubernetes 1.36 at a target of 1', () => {
    const moves = [
      [20, 21, 20],
      [20, 22, 20],
      [20, 23, 23],
      [23, 21, 23],
      [23, 20, 20],
      [20, 19, 20],
      [20, 17, 17],
    ] as const;
    for (const [at, value, next] of moves) expect(hpaReplicas(value * 1000, 1000, at, DEFAULT)).toBe(next);
  });

  test('both ends of the band belong to it', () => {
    expect([0.9, 1, 1.1].every((ratio) => withinTolerance(ratio, 0.1))).toBe(true);
    expect([0.8999, 1.1001, NaN].some((ratio) => withinTolerance(ratio, 0.1))).toBe(false);
  });

  test('at 0 the HPA does nothing', () => {
    expect(hpaReplicas(5000, 1000, 0, DEFAULT)).toBe(0);
  });
});

describe('the tolerance that the HPA is assumed to have', () => {
  test('is its own default at least, whatever the dead band of the trigger', () => {
    expect([0, 0.05, 0.1, 0.25].map((each) => hpaTolerance(each))).toEqual([0.1, 0.1, 0.1, 0.25].map(both));
  });

  test('is the one of its behaviour where that is wider, in each direction', () => {
    expect(hpaTolerance(0.1, { up: 0.3, down: 0 })).toEqual({ up: 0.3, down: 0.1 });
    expect(hpaTolerance(0.2, { up: 0.1, down: 0.25 })).toEqual({ up: 0.2, down: 0.25 });
  });

  test('may be absurd: then no value leads anywhere, and none is below zero', () => {
    const tolerance = hpaTolerance(0.1, { up: Infinity, down: 7 });
    expect(publishReplicas(11, { current: 10, tolerance, most: 100 })).toMatchObject({ value: 10 });
    expect(publishReplicas(9, { current: 10, tolerance, most: 100 })).toMatchObject({ value: 10 });
  });

  test('a value that leaves it is taken alike by an HPA with a narrower one', () => {
    for (let current = 1; current <= 60; current += 1) {
      for (let wanted = 1; wanted <= 60; wanted += 1) {
        const { value, hpaReplicas: said } = publishReplicas(wanted, reader(current, hpaTolerance(0)));
        expect([wanted, current, takenAt(value, current, both(0))]).toEqual([wanted, current, said]);
        expect([wanted, current, takenAt(value, current, DEFAULT)]).toEqual([wanted, current, said]);
      }
    }
  });
});

test('signals whose targets are as small as the HPA counts: what is said is what it takes of the largest', () => {
  const { values, hpaReplicas: said } = publishSignals([1, 1], [0.002, 0.001], 4, reader(5, both(0.25), 4));
  const metrics = values.map((value, index) => ({ value, target: [0.002, 0.001][index]! }));
  expect(hpaWants(metrics, 5, both(0.25))).toBe(said);
});

describe('signals that cannot be published as what is wanted', () => {
  test.each([
    // targets, raw, wanted, at, most → values, what the HPA makes of them, why
    [
      'the leading one alone says what the HPA takes',
      [[10], [0], 19, 20, Infinity],
      [[200], 20, 'the HPA ignores 19 at 20 (tolerance 0.1) and would go to 18; kept at 20'],
    ],
    [
      'a second one is met more finely, and makes up for it',
      [[0.001, 0.002], [1, 1], 9, 10, 9],
      [[0.008, 0.017], 9, 'published as 9: the raw values alone make 1000'],
    ],
    [
      'a second one is met more finely, and does not quite',
      [[0.001, 0.002], [1, 1], 19, 20, 19],
      [[0.017, 0.035], 18, 'the HPA ignores 19 at 20 (tolerance 0.1); 18 is the next it takes'],
    ],
  ] as const)('%s', (_, [targets, raw, wanted, current, most], [values, taken, why]) => {
    const made = publishSignals(raw, targets, wanted, reader(current, DEFAULT, most));
    expect(made).toEqual({ values, hpaReplicas: taken, why });
    const metrics = made.values.map((value, index) => ({ value, target: targets[index] ?? 0 }));
    expect(hpaWants(metrics, current, DEFAULT)).toBe(taken);
  });
});
