import { array, assert, nat, property } from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createForesight, foresee, see } from '../../../src/core/forecast/foresight.js';
import type { ForecastMemory } from '../../../src/core/forecast/memory.js';
import { decodeMemory, encodeMemory } from '../../../src/core/forecast/snapshot.js';
import { POLICY_DEFAULTS, type Policy } from '../../../src/core/policy.js';

const START = 1_800_000_000_000;
const policy: Policy = {
  ...POLICY_DEFAULTS,
  signals: [],
  wake: null,
  maxReplicas: 12,
  slots: 4,
  serviceTime: 8000,
  slo: { wait: 10_000, share: 0.99 },
  forecast: 'on',
};

/** A foresight that has seen so many requests in each beat. */
function seen(beats: readonly number[]) {
  const foresight = createForesight(policy)!;
  beats.forEach((arrivals, beat) => step(foresight, beat, arrivals));
  return foresight;
}

function step(foresight: NonNullable<ReturnType<typeof createForesight>>, beat: number, arrivals: number) {
  const at = START + beat * 15_000;
  see(foresight, { at, length: 15_000, arrivals, waiting: 0, running: 1, ready: 1 });
  return foresee(foresight, 1, at);
}

/** Through a file, as it is kept. */
function kept(memory: ForecastMemory): unknown {
  return JSON.parse(JSON.stringify(encodeMemory(memory)));
}

describe('a memory that was kept', () => {
  test('is the same, and forecasts the same from then on', () => {
    const beats = array(nat(60), { minLength: 1, maxLength: 150 });
    assert(
      property(beats, array(nat(60), { maxLength: 20 }), (before, after) => {
        const foresight = seen(before);
        const memory = decodeMemory(kept(foresight.memory), 12) as ForecastMemory;
        expect(memory).toEqual(foresight.memory);
        const restored = { ...foresight, memory };
        after.forEach((arrivals, index) => {
          const beat = before.length + index;
          expect(step(restored, beat, arrivals)).toEqual(step(foresight, beat, arrivals));
        });
      }),
      { numRuns: 25 },
    );
  });

  test('before it has seen anything is new', () => {
    const { memory } = seen([]);
    expect(decodeMemory(kept(memory), 12)).toEqual(memory);
  });
});

describe('what is no memory of this version is refused, with the place', () => {
  const memory = kept(seen([5, 0, 3]).memory) as Record<string, unknown>;
  const levels = memory['levels'] as Record<string, unknown>;
  const track = memory['track'] as Record<string, unknown>;
  const infinite = Buffer.from(Float64Array.from({ length: 13 }, () => Infinity).buffer).toString('base64');

  test.each([
    ['no object', 7, 'the memory: expected fields'],
    ['a list', [], 'the memory: expected fields'],
    ['null', null, 'the memory: expected fields'],
    ['a field too many', { ...memory, more: 1 }, 'the memory: unknown field more'],
    ['a field too few', { ...memory, beat: undefined }, 'beat: expected a number'],
    ['a part too few', { ...memory, levels: undefined }, 'levels: expected fields'],
    ['a word for a number', { ...memory, beat: '3' }, 'beat: expected a number'],
    ['no number', { ...memory, beat: null }, 'beat: expected a number'],
    ['a number for a truth', { ...memory, track: { ...track, pays: 1 } }, 'track.pays: expected a boolean'],
    [
      'a column too short',
      { ...memory, levels: { ...levels, late: { column: 'Float64Array', bytes: 'AAAA' } } },
      'levels.late: expected 13 numbers of a Float64Array',
    ],
    [
      'another kind of column',
      { ...memory, levels: { ...levels, late: levels['harm'] } },
      'levels.late: expected 13 numbers of a Float64Array',
    ],
    [
      'no column',
      { ...memory, levels: { ...levels, late: null } },
      'levels.late: expected 13 numbers of a Float64Array',
    ],
    [
      'infinities',
      { ...memory, levels: { ...levels, late: { column: 'Float64Array', bytes: infinite } } },
      'levels.late: expected finite numbers',
    ],
  ])('%s', (_, snapshot, why) => {
    expect(decodeMemory(snapshot, 12)).toBe(why);
  });

  test('another fleet', () => {
    expect(decodeMemory(memory, 20)).toMatch(/expected \d+ numbers/);
  });
});
