import { describe, expect, test } from 'vitest';
import {
  GROWING,
  growthStep,
  shortageStep,
  type GrowthSeen,
  type GrowthState,
  type ShortageKind,
  type ShortageState,
} from '../../../src/core/capacity/shortage.js';

const MINUTE = 60_000;

/** Minutes at which something was told, with what. */
function told(lasts: readonly (string | null)[], kind: ShortageKind = 'GpuShortage'): string[] {
  let state: ShortageState = null;
  return lasts.flatMap((why, minute) => {
    const step = shortageStep(kind, state, { now: minute * MINUTE, why });
    state = step.state;
    return step.event === null ? [] : [`${minute} ${step.event.reason}: ${step.event.note}`];
  });
}

describe('telling of a shortage', () => {
  test('begins when it has lasted a minute, comes again after 5, 10, 20 and 40 minutes, and ends once', () => {
    const short = Array.from({ length: 80 }, () => 'wanted 9, 6 fit');
    expect(told([...short, null, null, null])).toEqual([
      '1 GpuShortage: wanted 9, 6 fit; for 1 min',
      '6 GpuShortage: wanted 9, 6 fit; for 6 min',
      '16 GpuShortage: wanted 9, 6 fit; for 16 min',
      '36 GpuShortage: wanted 9, 6 fit; for 36 min',
      '76 GpuShortage: wanted 9, 6 fit; for 76 min',
      '81 GpuShortageOver: all replicas that are wanted fit again, after 80 min',
    ]);
  });

  test('says what it is of', () => {
    expect(told(['no node', 'no node', null, null], 'NoNodeFits')).toEqual([
      '1 NoNodeFits: no node; for 1 min',
      '3 NoNodeFitsOver: there is a node that can hold its pods, or none is wanted, after 2 min',
    ]);
  });

  test('one that is over at once is not worth a word', () => {
    expect(told(['wanted 2, 1 fits', null, null, null])).toEqual([]);
  });

  test('a gap of a moment is the same shortage', () => {
    let state: ShortageState = null;
    const events: string[] = [];
    for (let second = 0; second < 300; second += 10) {
      const step = shortageStep('GpuShortage', state, {
        now: second * 1000,
        why: second % 30 === 0 ? null : 'short',
      });
      state = step.state;
      if (step.event !== null) events.push(`${second} ${step.event.reason}`);
    }
    expect(events).toEqual(['70 GpuShortage']);
  });
});

describe('a pool whose nodes do not come', () => {
  type Seen = Pick<GrowthSeen, 'nodes' | 'waiting'> & Partial<GrowthSeen>;
  function follow(minutes: readonly Seen[]): (string | null)[] {
    let state: GrowthState = { ...GROWING, nodes: minutes[0]?.nodes ?? 0 };
    return minutes.map((each, minute) => {
      const step = growthStep(state, { asking: [], ...each, now: minute * MINUTE });
      state = step.state;
      return step.why;
    });
  }
  const times = (length: number, seen: Seen) => Array.from({ length }, () => seen);
  const waits = (length: number, nodes = 2) => times(length, { nodes, waiting: ['team-a'] });

  test('does not count as able to grow for 5 minutes, then for 10, each after a quarter of an hour in vain', () => {
    const whys = follow(waits(60));
    expect(whys[14]).toBeNull();
    expect(whys[15]).toBe('grows no further for 5 min: no node has come within 15 min');
    expect(whys[19]).toBe('grows no further for 1 min: no node has come within 15 min');
    expect(whys.slice(20, 35)).toEqual(Array.from({ length: 15 }, () => null));
    expect(whys[35]).toContain('grows no further for 10 min');
    expect(whys[45]).toBeNull();
  });

  test('counts again as soon as one comes, and is forgiven', () => {
    const whys = follow([...waits(17), ...waits(20, 3)]);
    expect(whys[16]).not.toBeNull();
    expect(whys[17]).toBeNull();
    expect(whys[32]).toContain('for 5 min');
  });

  test('is not judged while nobody waits', () => {
    expect(follow(times(60, { nodes: 2, waiting: [] })).every((why) => why === null)).toBe(true);
  });

  test('is tried at once for another namespace than the one that waits alone, for a quarter of an hour', () => {
    const asked = { nodes: 2, waiting: ['team-a'], asking: ['team-a', 'team-b'] };
    expect(follow([...waits(17), ...times(16, asked)]).slice(15)).toEqual([
      expect.stringContaining('5 min'),
      expect.stringContaining('4 min'),
      ...Array.from({ length: 15 }, () => null),
      expect.stringContaining('10 min'),
    ]);
  });

  test('is not kept promised by a namespace that asks for ever', () => {
    const whys = follow(times(240, { nodes: 2, waiting: ['team-a'], asking: ['team-a', 'team-b'] }));
    expect(whys[15]).toContain('grows no further');
    expect(whys.filter((why) => why !== null).length).toBeGreaterThan(120);
  });

  test('gives the pods of a second namespace a quarter of an hour of their own, and then believes both', () => {
    const both = { nodes: 2, waiting: ['team-a', 'team-b'], asking: ['team-c'] };
    const whys = follow([...waits(14), ...times(20, both)]);
    expect(whys.findIndex((why) => why !== null)).toBe(29);
    expect(whys.slice(29).every((why) => why !== null)).toBe(true);
  });
});
