import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  LEAST_SECONDS,
  levelAt,
  MOST_SPEED,
  phaseAt,
  SHORTEST_STORY,
  storyOf,
  timingOf,
  type Timing,
} from '../../src/demo/story.js';

function right(timing: Timing | string): Timing {
  if (typeof timing === 'string') throw new Error(timing);
  return timing;
}

describe('the story', () => {
  it('goes from idle over burst and plateau to idle, whatever its length', () => {
    fc.assert(
      fc.property(fc.integer({ min: SHORTEST_STORY, max: 5000 }), (seconds) => {
        const story = storyOf(seconds, false);
        const told = Array.from({ length: seconds }, (_, second) => phaseAt(story, second).name);
        expect(told.filter((name, index) => name !== told[index - 1])).toEqual([
          'idle',
          'burst',
          'plateau',
          'idle',
        ]);
      }),
    );
  });

  it('is idle at its beginning and from its end on, or begins anew', () => {
    const once = storyOf(SHORTEST_STORY, false);
    const again = storyOf(SHORTEST_STORY, true);
    for (const second of [-5, 0, 29, SHORTEST_STORY - 1, SHORTEST_STORY + 40])
      expect(levelAt(once, second)).toBe(0);
    expect(phaseAt(again, SHORTEST_STORY + 40).name).toBe('burst');
  });
});

describe('speed and seconds', () => {
  it('fits the whole story into the seconds', () => {
    fc.assert(
      fc.property(fc.double({ min: LEAST_SECONDS, max: 10_000, noNaN: true }), (seconds) => {
        const { speed, story } = right(timingOf(seconds, null));
        expect(story.seconds / speed).toBeCloseTo(seconds, 6);
        expect(story.repeats).toBe(false);
        expect(speed).toBeGreaterThanOrEqual(1);
        expect(speed).toBeLessThanOrEqual(MOST_SPEED + 1e-9);
      }),
    );
  });

  it('repeats the story without seconds, at the given speed', () => {
    expect(right(timingOf(null, 20))).toMatchObject({ speed: 20, story: { repeats: true } });
    expect(right(timingOf(null, null)).story.repeats).toBe(true);
  });

  it('stretches the plateau to take the time that speed and seconds leave', () => {
    const { story, speed } = right(timingOf(60, 20));
    expect([speed, story.seconds]).toEqual([20, 1200]);
    expect(phaseAt(story, 900).name).toBe('plateau');
  });

  it.each([
    [30, 10, '--seconds 30 at --speed 10: the story takes 500 s, so expected --seconds 50 or more'],
    [5, null, '--seconds: got 5, expected at least 10'],
    [Number.NaN, null, '--seconds: got NaN'],
    [null, 0, '--speed: got 0, expected a number above 0 and at most 50'],
    [null, 51, '--speed: got 51'],
    [null, Number.NaN, '--speed: got NaN'],
  ])('refuses --seconds %s with --speed %s and says what it takes', (seconds, speed, message) => {
    expect(timingOf(seconds, speed)).toContain(message);
  });
});
