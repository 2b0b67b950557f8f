import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  LEAST_SECONDS,
  levelAt,
  loadBefore,
  MOST_SPEED,
  phaseAt,
  secondBurst,
  SHORTEST_STORY,
  storyOf,
  timingOf,
  type Timing,
  WHOLE_STORY,
} from '../../src/demo/story.js';

function right(timing: Timing | string): Timing {
  if (typeof timing === 'string') throw new Error(timing);
  return timing;
}

describe('the story', () => {
  it('goes from idle over burst and plateau to idle, and through the burst again where there is time', () => {
    fc.assert(
      fc.property(fc.integer({ min: SHORTEST_STORY, max: 5000 }), (seconds) => {
        const story = storyOf(seconds, false);
        const told = Array.from({ length: seconds }, (_, second) => phaseAt(story, second).name);
        const again = seconds >= WHOLE_STORY ? ['burst', 'idle'] : [];
        const phases = told.filter((name, index) => name !== told[index - 1]);
        expect(phases).toEqual(['idle', 'burst', 'plateau', 'idle', ...again]);
      }),
    );
  });

  it('is idle at its beginning and from its end on, or begins anew', () => {
    const once = storyOf(SHORTEST_STORY, false);
    const again = storyOf(WHOLE_STORY, true);
    for (const second of [-5, 0, 29, SHORTEST_STORY - 1, SHORTEST_STORY + 40])
      expect(levelAt(once, second)).toBe(0);
    expect(phaseAt(again, WHOLE_STORY + 40).name).toBe('burst');
  });
});

describe('the second burst', () => {
  it('leaves its end the time to come back to zero, and is left out where there is none for it', () => {
    const burst = secondBurst(storyOf(WHOLE_STORY, false));
    expect(burst!.until - burst!.from).toBe(75);
    expect(burst!.from - (30 + 75 + 100)).toBe(310);
    expect(secondBurst(storyOf(SHORTEST_STORY, false))).toBe(null);
  });

  it('is a load of its own, in each round', () => {
    const story = storyOf(WHOLE_STORY, true);
    const { from } = secondBurst(story)!;
    const began = [10, 30, 204, from, from + 80, WHOLE_STORY + 10, WHOLE_STORY + 31];
    expect(began.map((second) => loadBefore(story, second))).toEqual([
      null,
      30,
      30,
      from,
      from,
      from,
      WHOLE_STORY + 30,
    ]);
  });

  it('is told from 26 seconds on', () => {
    expect(right(timingOf(26, null)).story.seconds).toBeCloseTo(WHOLE_STORY, 6);
    expect(right(timingOf(25, null)).story.seconds).toBeCloseTo(SHORTEST_STORY, 6);
    expect(secondBurst(right(timingOf(null, null)).story)).not.toBe(null);
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
    expect(phaseAt(story, 500).name).toBe('plateau');
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
