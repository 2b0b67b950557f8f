import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadOf, type Load } from '../../src/replay/load.js';
import type { ReplayPolicy } from '../../src/replay/policy.js';
import { newRecording, type Recording } from '../../src/replay/recording.js';
import { simulate } from '../../src/replay/run.js';
import type { Score } from '../../src/replay/score.js';
import { SETUP } from './pilotlight/scaled-objects.js';

const steady = (replicas: number): ReplayPolicy => ({
  name: 'steady',
  minReplicas: replicas,
  every: 15,
  tick: () => replicas,
});

function recorded(load: Load, replicas: number, every = 15): { recording: Recording; score: Score } {
  const recording = newRecording(every);
  const score = simulate(load, { ...SETUP, slo: 0 }, steady(replicas), undefined, recording);
  return { recording, score };
}

describe('the recording of a run', () => {
  it('says how long those waited that came, when they came', () => {
    // 12 on 4 slots of 8 s: 4 wait 0, 4 wait 8, 4 wait 16, and whoever comes at 20 waits until 24.
    const load = loadOf(Array<number>(60).fill(0).with(0, 12).with(20, 1).with(59, 1));
    const { recording } = recorded(load, 1);
    expect(recording.moments.map(({ t }) => t)).toEqual([0, 15, 30, 45, 59]);
    expect(recording.waits).toEqual([16, Number.NaN, 4, Number.NaN, 0]);
  });

  it('has no end for those that are never served, and goes on as long as they wait', () => {
    const { recording } = recorded(loadOf(Array<number>(60).fill(0).with(20, 1)), 0);
    expect(recording.waits[2]).toBe(Infinity);
    // The node of the one replica that it began with is paid for to the load's end, and has gone since.
    expect(recording.moments.at(-1)).toMatchObject({ t: 60 + 7200 - 1, queue: 1, nodes: 0, paid: 60 });
    expect(recording.waits).toHaveLength(recording.moments.length);
  });

  it('changes nothing, counts every request once and pays what the score pays', () => {
    const loads = fc
      .array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 200 })
      .map((perSecond) => loadOf(perSecond));
    fc.assert(
      fc.property(
        loads,
        fc.integer({ min: 0, max: 12 }),
        fc.integer({ min: 1, max: 20 }),
        (load, replicas, every) => {
          const { recording, score } = recorded(load, replicas, every);
          expect(simulate(load, { ...SETUP, slo: 0 }, steady(replicas))).toEqual(score);
          const { moments, waits } = recording;
          expect(moments.reduce((sum, { arrivals }) => sum + arrivals, 0)).toBe(score.requests);
          expect(moments.at(-1)?.paid).toBe(score.nodeSeconds);
          expect(waits).toHaveLength(moments.length);
          for (const [index, { arrivals }] of moments.entries()) {
            expect(Number.isNaN(waits[index])).toBe(arrivals === 0);
          }
          // Where nobody waited nobody did in any part; where one in a hundred did, one in a hundred of some part did.
          const someWaited = waits.some((wait) => wait > 0);
          if (score.inTime === score.requests) expect(someWaited).toBe(false);
          else expect(score.p99 === 0 || someWaited).toBe(true);
        },
      ),
      { numRuns: 60 },
    );
  });
});
