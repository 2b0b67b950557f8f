import { describe, expect, test } from 'vitest';
import {
  GROWING,
  growthStep,
  shortageStep,
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
  function follow(
    minutes: readonly { readonly nodes: number; readonly waiting: number }[],
  ): (string | null)[] {
    let state: GrowthState = { ...GROWING, nodes: minutes[0]?.nodes ?? 0 };
    return minutes.map((each, minute) => {
      const step = growthStep(state, { now: minute * MINUTE, ...each });
      state = step.state;
      return step.why;
    });
  }
  const waits = (length: number, nodes = 2) => Array.from({ length }, () => ({ nodes, waiting: 3 }));

  test('does not count as able to grow for 5 minutes, then for 10, each after a quarter of an hour in vain', () => {
    const whys = follow(waits(60));
    expect(whys[14]).toBeNull();
    expect(whys[15]).toBe('no node has come within 15 min, tried again in 5 min');
    expect(whys[19]).toBe('no node has come within 15 min, tried again in 1 min');
    expect(whys.slice(20, 35)).toEqual(Array.from({ length: 15 }, () => null));
    expect(whys[35]).toContain('tried again in 10 min');
    expect(whys[45]).toBeNull();
  });

  test('counts again as soon as one comes, and is forgiven', () => {
    const whys = follow([...waits(17), ...waits(20, 3)]);
    expect(whys[16]).not.toBeNull();
    expect(whys[17]).toBeNull();
    expect(whys[32]).toContain('tried again in 5 min');
  });

  test('is not judged while nobody waits', () => {
    expect(follow(waits(60).map((each) => ({ ...each, waiting: 0 }))).every((why) => why === null)).toBe(
      true,
    );
  });
});
