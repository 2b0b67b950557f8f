import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { SameTime } from '../../../src/core/forecast/calendar.js';
import {
  createContexts,
  DAY_WEIGHTS,
  IDLE_WEIGHTS,
  TABLES,
  type Contexts,
} from '../../../src/core/forecast/contexts.js';
import { createMixer, createMixture, learn, mix, type Mixer } from '../../../src/core/forecast/mixer.js';
import { seeded } from './drive.js';

const NO_DAYS: SameTime = { days: 0, needed: 0, nearly: 0, lastWeek: null };

function context(rows: readonly number[], changes: Partial<Omit<Contexts, 'rows'>> = {}): Contexts {
  return { ...createContexts(), rows: Uint16Array.from(TABLES, (_, table) => rows[table] ?? 0), ...changes };
}

function chance(mixer: Mixer, contexts: Contexts, days = NO_DAYS, prior = 0.5): number {
  return mix(createMixture(), mixer, contexts, days, prior).chance;
}

/** Asks, then tells what came of it. @returns what was said */
function taught(mixer: Mixer, contexts: Contexts, isNeeded: boolean, days = NO_DAYS, prior = 0.5): number {
  const mixture = mix(createMixture(), mixer, contexts, days, prior);
  learn(mixer, contexts, mixture, isNeeded);
  return mixture.chance;
}

const anyContext = fc.record({
  rows: fc.tuple(...TABLES.map((rows) => fc.nat(rows - 1))),
  weightsByIdle: fc.nat(IDLE_WEIGHTS - 1),
  weightsByDay: fc.nat(DAY_WEIGHTS - 1),
  size: fc.nat(3),
});
const anyDays: fc.Arbitrary<SameTime> = fc
  .record({
    days: fc.double({ min: 0, max: 3.5, noNaN: true }),
    share: fc.double({ min: 0, max: 1, noNaN: true }),
    lastWeek: fc.constantFrom(null, false, true),
  })
  .map(({ days, share, lastWeek }) => ({ days, needed: days * share, nearly: 0, lastWeek }));
const anyPrior = fc.double({ min: 1e-9, max: 1 - 1e-9, noNaN: true });

describe('a chance', () => {
  it('lies between 0 and 1 for good, whatever is asked and learnt', () => {
    const steps = fc.array(fc.tuple(anyContext, anyDays, anyPrior, fc.boolean()), { maxLength: 40 });
    fc.assert(
      fc.property(steps, (lessons) => {
        const mixer = createMixer();
        for (const [{ rows, ...sets }, days, prior, isNeeded] of lessons) {
          const said = taught(mixer, context(rows, sets), isNeeded, days, prior);
          expect(said).toBeGreaterThan(0);
          expect(said).toBeLessThan(1);
        }
      }),
    );
  });

  it.each([true, false])('lies between 0 and 1 after ten thousand times the same: %s', (isNeeded) => {
    const mixer = createMixer();
    for (let i = 0; i < 10_000; i += 1) taught(mixer, context([]), isNeeded);
    const said = chance(mixer, context([]));
    expect(said).toBeGreaterThan(0);
    expect(said).toBeLessThan(1);
    expect(Math.abs(said - Number(isNeeded))).toBeLessThan(0.01);
  });
});

describe('a context that was never seen', () => {
  it('says what the prior says', () => {
    const { inputs } = mix(createMixture(), createMixer(), context([]), NO_DAYS, 0.2);
    for (const [table] of TABLES.entries()) expect(inputs[table]).toBeCloseTo(Math.log(0.25), 9);
    expect(chance(createMixer(), context([]), NO_DAYS, 0.5)).toBeCloseTo(0.5, 1);
    expect(chance(createMixer(), context([]), NO_DAYS, 0.01)).toBeLessThan(0.05);
    expect(chance(createMixer(), context([]), NO_DAYS, 0.99)).toBeGreaterThan(0.95);
  });

  it('says more where the prior does', () => {
    const said = Array.from({ length: 99 }, (_, i) =>
      chance(createMixer(), context([]), NO_DAYS, (i + 1) / 100),
    );
    expect(said).toEqual(said.toSorted((a, b) => a - b));
  });

  it('believes yesterday where the days speak', () => {
    const trusted = { weightsByIdle: IDLE_WEIGHTS - 1, weightsByDay: DAY_WEIGHTS - 1 };
    const said = (needed: number, sets = {}) =>
      chance(createMixer(), context([], sets), { days: 1, needed, nearly: 0, lastWeek: null }, 0.05);
    expect(said(1, trusted)).toBeGreaterThan(5 * said(0, trusted));
    expect(said(1, trusted)).toBeGreaterThan(2 * said(1));
  });

  it('says what last week says, both ways', () => {
    const said = (lastWeek: boolean | null) =>
      chance(createMixer(), context([]), { ...NO_DAYS, lastWeek }, 0.3);
    expect(said(true)).toBeGreaterThan(said(null));
    expect(said(false)).toBeLessThan(said(true));
  });
});

describe('what is learnt', () => {
  it('tells a context that is always needed from one that never is', () => {
    const mixer = createMixer();
    const always = context(TABLES.map(() => 1));
    const never = context(TABLES.map(() => 2));
    for (let i = 0; i < 300; i += 1) {
      taught(mixer, always, true);
      taught(mixer, never, false);
    }
    expect(chance(mixer, always)).toBeGreaterThan(0.95);
    expect(chance(mixer, never)).toBeLessThan(0.05);
  });

  it('finds the one table among noise that tells', () => {
    const mixer = createMixer();
    const random = seeded(7);
    const noisy = (tells: number) =>
      context(TABLES.map((rows, table) => (table === 4 ? tells : Math.floor(random() * rows))));
    for (let i = 0; i < 40_000; i += 1) taught(mixer, noisy(i % 2), i % 2 === 1);
    let right = 0;
    for (let i = 0; i < 1000; i += 1) right += chance(mixer, noisy(i % 2)) > 0.5 === (i % 2 === 1) ? 1 : 0;
    expect(right).toBeGreaterThan(990);
  });

  it('forgets: a context that changed its mind is believed again', () => {
    const mixer = createMixer();
    for (let i = 0; i < 3000; i += 1) taught(mixer, context([]), false);
    for (let i = 0; i < 6000; i += 1) taught(mixer, context([]), true);
    expect(chance(mixer, context([]))).toBeGreaterThan(0.8);
  });

  it.each([0.02, 0.1, 0.37, 0.5, 0.9])('comes to a rate of %d within two points', (rate) => {
    const mixer = createMixer();
    const random = seeded(11);
    let [sum, needed] = [0, 0];
    for (let i = 0; i < 20_000; i += 1) {
      const isNeeded = random() < rate;
      const said = taught(mixer, context([]), isNeeded);
      if (i >= 10_000) [sum, needed] = [sum + said, needed + Number(isNeeded)];
    }
    expect(Math.abs(sum - needed) / 10_000).toBeLessThan(0.02);
  });

  it('is the same for the same lessons', () => {
    const lessons = fc.array(fc.tuple(anyContext, anyDays, anyPrior, fc.boolean()), { maxLength: 20 });
    fc.assert(
      fc.property(lessons, (each) => {
        const mixers = [createMixer(), createMixer()] as const;
        for (const mixer of mixers)
          for (const [{ rows, ...sets }, days, prior, isNeeded] of each)
            taught(mixer, context(rows, sets), isNeeded, days, prior);
        expect(mixers[0]).toEqual(mixers[1]);
      }),
      { numRuns: 20 },
    );
  });
});

it('a mixer without room learns nothing, and asks the prior', () => {
  const fields = Object.entries(createMixer()).map(([field, column]) => [
    field,
    (column as Float32Array).slice(0, 0),
  ]);
  const empty = Object.fromEntries(fields) as Mixer;
  for (let i = 0; i < 10; i += 1) expect(taught(empty, createContexts(), true)).toBeGreaterThan(0);
  const { inputs, odds } = mix(createMixture(), empty, createContexts(), NO_DAYS, 0.2);
  expect(inputs[0]).toBeCloseTo(Math.log(0.25), 9);
  expect(odds).toBe(0);
  const none = { ...createContexts(), rows: new Uint16Array(0) };
  expect(taught(createMixer(), none, true)).toBeCloseTo(0.5, 1);
  const short = { ...createMixture(), inputs: new Float64Array(0) };
  expect(mix(short, createMixer(), none, NO_DAYS, 0.2).chance).toBeCloseTo(0.5, 9);
  learn(createMixer(), none, short, true);
});
