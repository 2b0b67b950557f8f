import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { figure, weightedMean } from '../../src/core/demand.js';
import { weigh } from '../../src/core/read.js';
import { countReplicas, podsSeen } from '../../src/core/replicas.js';
import { reportAbsence } from '../../src/core/report.js';
import { stabilised } from '../../src/core/stabilise.js';
import { initialState, notAhead } from '../../src/core/state.js';
import { HOUR, inWords, MINUTE, SECOND } from '../../src/core/time.js';
import { answered, gpu, perPod, START } from './timeline.js';

describe('weightedMean', () => {
  const of = (...samples: [value: number, weight?: number][]) =>
    weightedMean(
      samples.map(([value, weight]) => ({
        pod: 'a',
        at: START,
        value,
        ...(weight === undefined ? {} : { weight }),
      })),
    );

  test('is plain without weights', () => expect(of([10], [20], [60])).toBe(30));
  test('counts a time per request by the requests', () => expect(of([100, 1], [10, 9])).toBe(19));
  test('is plain where nobody served a request', () => expect(of([100, 0], [10, 0])).toBe(55));
  test('a value without a weight counts once', () => expect(of([100], [10, 3])).toBe(32.5));
  test.each([NaN, Infinity, -5, 1e300])('a weight of %d counts nothing', (weight) =>
    expect(of([100, weight], [10, 2])).toBe(10),
  );

  test('lies between the smallest and the largest value', () => {
    const sample = fc.tuple(fc.double({ min: 0, max: 1e9, noNaN: true }), fc.double());
    fc.assert(
      fc.property(fc.array(sample, { minLength: 1, maxLength: 9 }), (samples) => {
        const values = samples.map(([value]) => value);
        const mean = of(...samples);
        expect(mean).toBeGreaterThanOrEqual(Math.min(...values) * (1 - 1e-9) - 1e-9);
        expect(mean).toBeLessThanOrEqual(Math.max(...values) * (1 + 1e-9) + 1e-9);
      }),
    );
  });
});

test.each([
  [0, '0'],
  [0.123456, '0.123'],
  [2.05, '2.05'],
  [999.4, '999'],
  [1234.56, '1235'],
  [-0, '0'],
])('figure(%d) is %s', (value, text) => expect(figure(value)).toBe(text));

test.each([
  [-5, '0 s'],
  [850, '850 ms'],
  [12 * SECOND, '12 s'],
  [119 * SECOND, '119 s'],
  [5 * MINUTE, '5 min'],
  [119 * MINUTE, '119 min'],
  [2 * HOUR, '2 h'],
  [90 * MINUTE + 30 * MINUTE + 5 * MINUTE, '2 h 5 min'],
  [24 * HOUR, '24 h'],
])('inWords(%d) is %s', (length, text) => expect(inWords(length)).toBe(text));

describe('weigh', () => {
  test('exactly as old as allowed is fresh, one millisecond more is not', () => {
    const at = (ago: number) => weigh(answered(perPod([1], START - ago)), gpu, START).kind;
    expect([at(gpu.freshFor), at(gpu.freshFor + 1)]).toEqual(['fresh', 'absent']);
  });

  test('ten minutes ahead is fresh, one millisecond more is no measurement', () => {
    const at = (ahead: number) => weigh(answered(perPod([1], START + ahead)), gpu, START);
    expect(at(10 * MINUTE)).toMatchObject({ kind: 'fresh', age: 0 });
    expect(at(10 * MINUTE + 1)).toMatchObject({ kind: 'absent', faults: { unsound: 1 } });
  });

  test('everything left out is counted', () => {
    const samples = [
      ...perPod([1, NaN, 3, -1], START),
      ...perPod([5], START - HOUR),
      ...perPod([0, null, 7], START),
    ];
    expect(weigh(answered(samples), gpu, START)).toMatchObject({
      kind: 'fresh',
      samples: [{ value: 1 }, { value: 7 }],
      faults: { unsound: 2, stale: 1, duplicate: 2 },
    });
  });

  test('-0 is 0', () => expect(weigh(answered(perPod([-0], START)), gpu, START).kind).toBe('fresh'));
});

describe('countReplicas', () => {
  const asked = (asked: number | null, arrived: number) => ({ ...initialState, asked, arrived });

  test.each([
    // reporting, known, asked, arrived → current, missing, starting
    [3, 3, null, 0, 3, 0, 0],
    [3, 3, 3, 3, 3, 0, 0],
    [2, 3, 3, 3, 3, 1, 0],
    [2, 3, 5, 3, 5, 1, 2],
    [2, 3, 2, 2, 2, 0, 0],
    [5, 5, 2, 2, 5, 0, 0],
    [0, 3, 3, 3, 3, 3, 0],
    [1, 1, 9, 1, 9, 0, 8],
  ])(
    '%d of %d known report, %s asked, %d arrived: %d, %d missing, %d starting',
    (reporting, known, wanted, arrived, current, missing, starting) => {
      const counted = countReplicas(null, reporting, known, asked(wanted, arrived));
      expect(counted).toEqual({ current, reporting, missing, starting, source: 'pods' });
    },
  );

  test.each([
    [null, 0, 0, 0],
    [3, 0, 3, 3],
    [3, 1, 3, 0],
  ])('no pods at all, %s asked, %d arrived: %d, %d starting', (wanted, arrived, current, starting) => {
    expect(countReplicas(null, 0, 0, asked(wanted, arrived))).toMatchObject({
      current,
      starting,
      missing: 0,
      source: 'asked',
    });
  });

  test.each([
    // cluster's current, ready, reporting → current, missing, starting
    [3, 3, 3, 3, 0, 0],
    [3, 3, 1, 3, 2, 0],
    [5, 3, 1, 5, 2, 2],
    [5, 1, 3, 5, 0, 2],
    [2, 3, 2, 2, 0, 0],
    [2, 2, 3, 3, 0, 0],
    [0, 0, 0, 0, 0, 0],
  ])(
    'with cluster access %d, %d ready, %d reporting: %d, %d missing, %d starting',
    (current, ready, reporting, counted, missing, starting) => {
      const replicas = countReplicas({ current, ready }, reporting, reporting, asked(9, 9));
      expect(replicas).toEqual({ current: counted, reporting, missing, starting, source: 'cluster' });
    },
  );
});

describe('a report says why a signal had nothing to say', () => {
  const said = (evidence: Parameters<typeof reportAbsence>[0]['evidence']) =>
    reportAbsence({ signal: gpu, evidence }).why;
  const faults = { unsound: 0, stale: 0, duplicate: 0 };

  test('absent', () => expect(said({ kind: 'absent', nobody: false, why: 'gone', faults })).toBe('gone'));
  test('idle', () => expect(said({ kind: 'idle', why: 'no load' })).toBe('no load'));
  test('not read', () => expect(said({ kind: 'unread' })).toBe('not read'));
});

describe('podsSeen', () => {
  test('forgets who has been silent for longer than the memory', () => {
    expect(podsSeen({ a: START - 60_001, b: START - 60_000 }, ['c'], START, 60_000)).toEqual({
      b: START - 60_000,
      c: START,
    });
  });

  test('remembers the last hundred that fell silent, and all that report', () => {
    const many = Array.from({ length: 300 }, (_, index) => `pod-${index}`);
    const seen = podsSeen({}, many, START, MINUTE);
    expect(Object.keys(seen)).toHaveLength(300);
    const next = podsSeen(seen, ['new'], START + 1, MINUTE);
    expect(Object.keys(next)).toEqual([...many.slice(200), 'new']);
  });

  test('a pod may be called as it likes', () => {
    const seen = podsSeen(
      podsSeen({}, ['__proto__', 'constructor'], START, MINUTE),
      ['toString'],
      START + 1,
      MINUTE,
    );
    expect(Object.entries(seen)).toEqual([
      ['__proto__', START],
      ['constructor', START],
      ['toString', START + 1],
    ]);
    expect(podsSeen(JSON.parse(JSON.stringify(seen)) as typeof seen, [], START + 1, MINUTE)).toEqual(seen);
  });
});

describe('stabilised', () => {
  test('is the largest of the window, and keeps only what can still be it', () => {
    const step = fc.tuple(fc.integer({ min: 1, max: 60 }), fc.nat(9));
    fc.assert(
      fc.property(
        fc.array(step, { minLength: 1, maxLength: 60 }),
        fc.integer({ min: 1, max: 300 }),
        (steps, window) => {
          let now = 0;
          let past: Parameters<typeof stabilised>[0] = [];
          const all: { at: number; replicas: number }[] = [];
          for (const [later, replicas] of steps) {
            now += later;
            all.push({ at: now, replicas });
            const largest = Math.max(
              ...all.filter((each) => now - each.at < window).map((each) => each.replicas),
            );
            const result = stabilised(past, replicas, window, now);
            past = result.recommendations;
            expect(result.replicas).toBe(largest);
            expect(past.length).toBeLessThanOrEqual(10);
          }
        },
      ),
    );
  });

  test('of equal recommendations the newest is kept', () => {
    const past = [{ at: START, replicas: 4 }];
    expect(stabilised(past, 4, MINUTE, START + 1).recommendations).toEqual([{ at: START + 1, replicas: 4 }]);
  });

  test('without a window nothing is kept', () => {
    expect(stabilised([{ at: START, replicas: 9 }], 2, 0, START)).toEqual({
      replicas: 2,
      recommendations: [],
    });
  });
});

test('a clock that was set back: what lies ahead counts as now', () => {
  const ahead = START + HOUR;
  const state = {
    ...initialState,
    presumedSince: ahead,
    raisedAt: ahead,
    blindSince: ahead,
    recommendations: [
      { at: START - 1, replicas: 5 },
      { at: ahead, replicas: 3 },
    ],
    loads: [{ at: ahead, demand: 3 }],
  };
  expect(notAhead(state, START)).toEqual({
    ...state,
    presumedSince: START,
    raisedAt: START,
    blindSince: START,
    recommendations: [
      { at: START - 1, replicas: 5 },
      { at: START, replicas: 3 },
    ],
    loads: [{ at: START, demand: 3 }],
  });
  expect(notAhead(initialState, START)).toEqual(initialState);
});
