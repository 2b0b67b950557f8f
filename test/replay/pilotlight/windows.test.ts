import { describe, expect, it } from 'vitest';
import { policyFilter } from '../../../src/replay/pilotlight/filter.js';
import { readManifest, replayTrigger } from '../../../src/replay/pilotlight/manifest.js';
import { stepWorkload, unstepped, withSamples } from '../../../src/replay/pilotlight/step.js';
import type { Given } from './scaled-objects.js';
import { profiles, scaledObject, SETUP } from './scaled-objects.js';
import { sampleOf } from './samples.js';

const HOUR = 3600;

function triggerOf(given: Given) {
  return replayTrigger(readManifest(scaledObject(given), 'chat.yaml'), SETUP, 20, profiles);
}

/** Replicas at a second of the replay, while so many requests run on what is there. */
function desired(metadata: Record<string, string>, t: number, running = 0, startsAt?: number): number {
  const trigger = triggerOf({ metadata });
  const seen = withSamples(unstepped(trigger, { startsAt }), trigger, [sampleOf({ t, running, ready: 1 })]);
  return stepWorkload(seen, trigger, { current: 1, ready: 1 }, t).decision.desired;
}

describe('windows in a replay', () => {
  const office = { warmWindows: '0 8 * * 1-5/10h=3', timezone: 'Europe/Berlin', leadTime: '10m' };

  it('count from a Monday at midnight in their time zone', () => {
    expect(desired(office, 7 * HOUR + 49 * 60)).toBe(0);
    expect(desired(office, 7 * HOUR + 50 * 60)).toBe(3);
    expect(desired(office, 18 * HOUR - 1)).toBe(3);
    expect(desired(office, 18 * HOUR)).toBe(0);
    expect(desired(office, 5 * 24 * HOUR + 9 * HOUR)).toBe(0);
  });

  it('count from the recording’s own beginning where that is known', () => {
    const startsAt = Date.parse('2026-07-01T05:00:00Z');
    expect(desired(office, 0, 0, startsAt)).toBe(0);
    expect(desired(office, 50 * 60, 0, startsAt)).toBe(3);
    expect(desired(office, 11 * HOUR, 0, startsAt)).toBe(0);
  });

  it('keep a load at zero, and let it in again', () => {
    const nights = { sleepWindows: '0 22 * * */9h' };
    expect(desired(nights, 21 * HOUR, 12)).toBe(5);
    expect(desired(nights, 23 * HOUR, 12)).toBe(0);
    expect(desired(nights, 31 * HOUR, 12)).toBe(5);
  });

  it('say in the decision until when, on the replay’s clock', () => {
    const trigger = triggerOf({ metadata: office });
    const { observation } = stepWorkload(unstepped(trigger), trigger, { current: 0, ready: 0 }, 9 * HOUR);
    expect(observation.floors).toMatchObject([{ replicas: 3, until: 18 * HOUR * 1000 }]);
    expect(observation.sleep).toBeNull();
    const plain = triggerOf({});
    expect(stepWorkload(unstepped(plain), plain, { current: 0, ready: 0 }, 0).observation).not.toHaveProperty(
      'floors',
    );
  });
});

describe('windows in the filter', () => {
  const INIT = {
    type: 'init',
    slotsPerReplica: 4,
    serviceSeconds: 8,
    provisionSeconds: 180,
    loadSeconds: 60,
  };

  function answer(given: Given, t: number, current: number): unknown {
    const filter = policyFilter(readManifest(scaledObject(given), 'chat.yaml'), profiles);
    const tick = { type: 'tick', t, current, ready: current, starting: 0, pending: 0 };
    filter(JSON.stringify(INIT), 1);
    filter(JSON.stringify({ ...tick, t: t - 600, samples: [sampleOf({ t: t - 615, ready: current })] }), 2);
    return filter(JSON.stringify({ ...tick, samples: [sampleOf({ t: t - 15, ready: current })] }), 3);
  }

  it('lift the floor by the lead time of init, unless the manifest has its own', () => {
    const warm = { warmWindows: '0 8 * * */1h=2' };
    expect(answer({ metadata: warm }, 8 * HOUR - 245, 0)).toMatchObject({ replicas: 0 });
    expect(answer({ metadata: warm }, 8 * HOUR - 240, 0)).toMatchObject({
      replicas: 2,
      reasons: expect.arrayContaining([
        'floor: warm window 0 8 * * *: at least 2 from Mon 08:00 UTC, asked for 4 min before, the lead time',
      ]) as string[],
    });
    expect(answer({ metadata: { ...warm, leadTime: '20m' } }, 8 * HOUR - 1200, 0)).toMatchObject({
      replicas: 2,
    });
  });

  it('go to zero for the night, but not below what KEDA keeps', () => {
    const nights = { metadata: { sleepWindows: '0 22 * * */9h' } };
    expect(answer(nights, 23 * HOUR, 2)).toMatchObject({ replicas: 0 });
    expect(answer({ ...nights, spec: { minReplicaCount: 1 } }, 23 * HOUR, 2)).toMatchObject({ replicas: 1 });
  });
});
