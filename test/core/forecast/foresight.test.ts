import { describe, expect, it } from 'vitest';
import { FIRST_BEATS } from '../../../src/core/forecast/forecast.js';
import {
  createForesight,
  foresee,
  see,
  speaks,
  type Foresight,
} from '../../../src/core/forecast/foresight.js';
import { BEAT, holdingCost, horizonBeats, NODE_IDLE } from '../../../src/core/forecast/settings.js';
import type { Policy } from '../../../src/core/policy.js';
import { MINUTE, SECOND } from '../../../src/core/time.js';
import { policyWith } from '../timeline.js';
import { beatOf, BEATS_A_DAY, BEATS_AN_HOUR, MONDAY, PER_BEAT, SETTINGS } from './drive.js';

const complete: Partial<Policy> = {
  forecast: 'auto',
  slo: { wait: 10 * SECOND, share: 0.99 },
  slots: 4,
  serviceTime: 8 * SECOND,
  leadTime: 4 * MINUTE,
  maxReplicas: 20,
};

function foresightOf(changes: Partial<Policy> = {}): Foresight {
  const foresight = createForesight(policyWith({ ...complete, ...changes }));
  if (foresight === null) throw new Error('expected a forecast');
  return foresight;
}

/** Sees and foresees beat after beat, and does as it says. @returns beats in which it was to be followed */
function live(foresight: Foresight, from: number, beats: number, arrivals: (beat: number) => number): number {
  let [current, spoke] = [0, 0];
  for (let beat = from; beat < from + beats; beat += 1) {
    const sample = beatOf(beat, arrivals(beat));
    see(foresight, sample);
    const advice = foresee(foresight, current, sample.at);
    const isFollowed = advice !== null && advice.standsBack !== true;
    expect(speaks(foresight)).toBe(isFollowed);
    if (isFollowed) spoke += 1;
    current = advice?.replicas ?? 0;
  }
  return spoke;
}

const office = (beat: number) => (beat % BEATS_A_DAY > BEATS_A_DAY / 2 ? 2.5 * PER_BEAT : 0);

describe('a trigger', () => {
  it.each<[string, Partial<Policy>]>([
    ['that wants no forecast', { forecast: 'off' }],
    ['without an slo', { slo: null }],
    ['without slots', { slots: null }],
    ['without a service time', { serviceTime: null }],
  ])('%s has none', (_, changes) => {
    expect(createForesight(policyWith({ ...complete, ...changes }))).toBeNull();
    expect(speaks(null)).toBe(false);
  });

  it('says what the forecast has to know', () => {
    expect(foresightOf()).toMatchObject({ isOnTrial: true, settings: SETTINGS });
    expect(foresightOf({ forecast: 'on' }).isOnTrial).toBe(false);
    expect(createForesight(policyWith(complete), 20 * MINUTE)?.settings.nodeIdle).toBe(20 * MINUTE);
    expect(NODE_IDLE).toBe(SETTINGS.nodeIdle);
  });

  it('may ask for certainty, for no lead time, and for any number of replicas', () => {
    const { settings, memory } = foresightOf({
      slo: { wait: 0, share: 1 },
      leadTime: 0,
      maxReplicas: null,
    });
    expect(settings.share).toBeLessThan(1);
    expect(settings.leadTime).toBeGreaterThan(0);
    expect(settings.maxReplicas).toBeGreaterThanOrEqual(1000);
    expect(memory.levels.count).toBe(48);
    expect(horizonBeats({ ...settings, leadTime: 1 })).toBeGreaterThanOrEqual(4);
  });

  it('has questions that are answered after the lead time and a minute', () => {
    const { settings } = foresightOf();
    expect(horizonBeats(settings) * BEAT).toBe(5 * MINUTE);
    expect(holdingCost(settings)).toBe(300);
  });
});

describe('a forecast that is on', () => {
  it('speaks as soon as it has seen enough', () => {
    const foresight = foresightOf({ forecast: 'on' });
    expect(live(foresight, 0, FIRST_BEATS + 9, () => 5)).toBe(10);
    expect(foresee(foresight, 1, MONDAY + 70 * BEAT)?.standsBack).toBeUndefined();
  });
});

describe('a forecast on trial', () => {
  it('stands back until its record pays, and says what both cost', () => {
    const foresight = foresightOf();
    expect(live(foresight, 0, BEATS_AN_HOUR - 1, () => 5)).toBe(0);
    const advice = foresee(foresight, 1, MONDAY + BEATS_AN_HOUR * BEAT);
    expect(advice?.standsBack).toBe(true);
    expect(advice?.why).toMatch(
      /^the forecast stands back: [\d.]+ GPU-hours with its lateness, against [\d.]+ without it$/,
    );
  });

  it('comes forward where the load is one that it can foresee', () => {
    const foresight = foresightOf();
    live(foresight, 0, 3 * BEATS_A_DAY, office);
    expect(speaks(foresight)).toBe(true);
    expect(live(foresight, 3 * BEATS_A_DAY, BEATS_A_DAY, office)).toBe(BEATS_A_DAY);
  });
});
