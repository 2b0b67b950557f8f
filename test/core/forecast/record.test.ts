import { describe, expect, it } from 'vitest';
import { bill, billOf, createTrack, type Track } from '../../../src/core/forecast/record.js';
import { BEATS_A_DAY, BEATS_AN_HOUR, PER_BEAT, SETTINGS } from './drive.js';

const PRICE = 100;

interface Beat {
  readonly arrivals: number;
  readonly planned: number;
}

/** Bills so many beats from one on. */
function billed(track: Track, from: number, beats: number, of: (beat: number) => Beat): Track {
  for (let beat = from; beat < from + beats; beat += 1) {
    const { arrivals, planned } = of(beat);
    bill(track, SETTINGS, beat, arrivals, planned, PRICE);
  }
  return track;
}

/** Three replicas' load for five minutes in each hour; a forecast that knows is there six minutes before. */
const bursts = (beat: number) => (beat % BEATS_AN_HOUR < 20 ? 3 * PER_BEAT : 0);
const knowing = (beat: number): Beat => ({
  arrivals: bursts(beat),
  planned: (beat + 24) % BEATS_AN_HOUR < 44 ? 3 : 0,
});
const wasteful = (beat: number): Beat => ({ arrivals: beat % 977 === 0 ? 1 : 0, planned: 10 });

describe('the record', () => {
  it('does not pay in the first hour, whatever comes', () => {
    const track = billed(createTrack(), 0, BEATS_AN_HOUR - 1, knowing);
    expect(track.pays).toBe(false);
  });

  it('pays as soon as the forecast was cheaper with its lateness', () => {
    const track = billed(createTrack(), 0, 6 * BEATS_AN_HOUR, knowing);
    expect(track.pays).toBe(true);
    expect(track.forecast.late).toBeLessThan(track.reactive.late);
    expect(billOf(track.forecast, PRICE)).toBeLessThan(billOf(track.reactive, PRICE));
  });

  it('does not pay where the forecast holds replicas for a load that it cannot foresee', () => {
    const track = billed(createTrack(), 0, BEATS_A_DAY, wasteful);
    expect(track.pays).toBe(false);
    expect(track.forecast.cost).toBeGreaterThan(track.reactive.cost);
  });

  it('stands back when it stops paying, and comes back when it pays again', () => {
    const track = billed(createTrack(), 0, BEATS_A_DAY, knowing);
    expect(track.pays).toBe(true);
    billed(track, BEATS_A_DAY, 3 * BEATS_A_DAY, wasteful);
    expect(track.pays).toBe(false);
    billed(track, 4 * BEATS_A_DAY, 21 * BEATS_A_DAY, knowing);
    expect(track.pays).toBe(true);
  });

  it.each([true, false])('stays as it was while both cost about the same: %s', (pays) => {
    const track = createTrack();
    track.pays = pays;
    // Two replicas for good, which is what the one that reacts has too: 10 requests a beat keep 1.3 busy, at 70 % 2.
    track.reactive.wanted.fill(2);
    track.forecast.wanted.fill(2);
    billed(track, 0, BEATS_A_DAY, () => ({ arrivals: 10, planned: 2 }));
    expect(track.forecast.cost).toBe(track.reactive.cost);
    expect(track.pays).toBe(pays);
  });

  it('fades: half is forgotten after three days', () => {
    const track = billed(createTrack(), 0, BEATS_A_DAY, () => ({ arrivals: 50, planned: 1 }));
    const { cost, late } = track.forecast;
    track.forecast.backlog = 0;
    track.forecast.wanted.fill(0);
    billed(track, BEATS_A_DAY, 3 * BEATS_A_DAY, () => ({ arrivals: 0, planned: 0 }));
    expect(track.forecast.late / late).toBeCloseTo(0.5, 3);
    expect(track.forecast.cost / cost).toBeCloseTo(0.5, 2);
  });
});

describe('an imagined deployment', () => {
  it('has a replica once it was wanted for a whole lead time, and requests until then are late', () => {
    const track = createTrack();
    billed(track, 0, 1, () => ({ arrivals: 1, planned: 1 }));
    expect(track.forecast.late).toBe(1);
    billed(track, 1, 16, () => ({ arrivals: 0, planned: 1 }));
    const before = track.forecast.late;
    billed(track, 17, 1, () => ({ arrivals: 1, planned: 1 }));
    expect(track.forecast.late).toBeLessThanOrEqual(before);
  });

  it('pays for its node until that was not wanted for its idle time', () => {
    const track = billed(createTrack(), 0, 1, () => ({ arrivals: 0, planned: 2 }));
    billed(track, 1, 200, () => ({ arrivals: 0, planned: 0 }));
    // 2 replicas for the beat and 10 min after it.
    expect(track.forecast.cost).toBeGreaterThan(2 * 15 * 41 * 0.95);
    expect(track.forecast.cost).toBeLessThanOrEqual(2 * 15 * 41);
  });

  it('keeps one replica at least while requests wait', () => {
    const track = billed(createTrack(), 0, 1, () => ({ arrivals: 1, planned: 0 }));
    billed(track, 1, 60, () => ({ arrivals: 0, planned: 0 }));
    expect(track.forecast.backlog).toBe(0);
  });

  it('that reacts asks for no more than there may be', () => {
    const track = billed(createTrack(), 0, 100, () => ({ arrivals: 1e6, planned: 1e6 }));
    expect(Math.max(...track.reactive.wanted)).toBe(SETTINGS.maxReplicas);
    expect(Math.max(...track.forecast.wanted)).toBe(65_535);
  });
});
