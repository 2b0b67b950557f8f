import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Reading } from '../../../src/core/observation.js';
import type { Profile } from '../../../src/policy/profile.js';
import type { Sample } from '../../../src/replay/policy.js';
import { readingOf, recentSamples, type RecentSamples } from '../../../src/replay/pilotlight/readings.js';
import { loadProfiles } from '../../../src/server/profiles-folder.js';
import { sampleOf } from './samples.js';

const shipped = loadProfiles(undefined);

function profile(name: string): Profile {
  const found = shipped.get(name);
  if (found === undefined) throw new Error(`no profile ${name}`);
  return found;
}

function samplesOf(reading: Reading): { pod: string | null; value: number; at: number }[] {
  if (reading.kind !== 'answered') throw new Error(reading.kind);
  return reading.samples.map(({ pod, value, at }) => ({ pod, value, at }));
}

function values(name: string, sample: Sample, before: Sample | null = null, target = 1): number[] {
  const samples: RecentSamples = before === null ? [sample] : [{ ...before, t: sample.t - 60 }, sample];
  return samplesOf(readingOf(profile(name), { target }, samples)).map(({ value }) => value);
}

describe('readings of a simulated sample', () => {
  it('has one value for each ready pod, at the time of the sample', () => {
    const reading = readingOf(profile('vllm-waiting'), { target: 5 }, [
      sampleOf({ t: 45, ready: 2, queue: 6 }),
    ]);
    expect(samplesOf(reading)).toEqual([
      { pod: 'p-0', value: 3, at: 45_000 },
      { pod: 'p-1', value: 3, at: 45_000 },
    ]);
  });

  it('has none while no pod is ready, and says so as a source that answers', () => {
    const asleep = sampleOf({ ready: 0, queue: 9 });
    for (const each of shipped.values()) {
      const reading = readingOf(each, { target: 1 }, [asleep]);
      const fromPods = each.series === 'pod' || each.kind === 'intensive';
      expect([each.name, samplesOf(reading).length]).toEqual([each.name, fromPods ? 0 : 1]);
      expect(reading).toMatchObject({ exists: true });
    }
  });

  it('reads a Service or a queue as a whole, also at zero', () => {
    const asleep = sampleOf({ ready: 0, queue: 3, arrivals: 30 });
    expect(samplesOf(readingOf(profile('gateway-rps'), { target: 1 }, [asleep]))).toEqual([
      { pod: null, value: 2, at: 15_000 },
    ]);
    expect(samplesOf(readingOf(profile('bullmq-backlog'), { target: 1 }, [asleep]))).toEqual([
      { pod: null, value: 3, at: 15_000 },
    ]);
  });

  it('gives shares in percent or as a ratio, the same for each pod', () => {
    const busy = sampleOf({ ready: 2, util: 0.7, duty: 0.9 });
    expect(values('cpu-util', busy)).toEqual([70, 70]);
    expect(values('vllm-kv-cache', busy)).toEqual([0.7, 0.7]);
    expect(values('dcgm-gpu-util', busy)).toEqual([90, 90]);
    expect(values('dcgm-mig-active', busy)).toEqual([0.9, 0.9]);
  });

  it('takes a share of no unit for percent where the target is above 1', () => {
    const busy = sampleOf({ util: 0.5 });
    expect(values('promql-mean', busy, null, 70)).toEqual([50]);
    expect(values('promql-mean', busy, null, 0.7)).toEqual([0.5]);
  });

  it('gives the mean wait in microseconds by Little’s law', () => {
    const before = sampleOf({ queue: 10 });
    expect(values('triton-queue-time', sampleOf({ queue: 9, arrivals: 5 }), before)).toEqual([23_750_000]);
    expect(values('triton-queue-time', sampleOf({ arrivals: 5 }), sampleOf({}))).toEqual([0]);
    expect(values('triton-queue-time', sampleOf({ queue: 15, arrivals: 5 }), before)).toEqual([]);
  });

  it('gives the wait in times of the computation', () => {
    const before = sampleOf({ queue: 6, running: 4 });
    const sample = sampleOf({ queue: 2, running: 4 });
    expect(values('triton-queue-compute-ratio', sample, before)).toEqual([1]);
    expect(values('triton-queue-compute-ratio', sampleOf({}), sampleOf({}))).toEqual([0]);
    expect(values('triton-queue-compute-ratio', sampleOf({ queue: 2 }), sampleOf({ queue: 2 }))).toEqual([]);
  });

  it('keeps a rate for a minute after the requests came, and no longer', () => {
    const rates: number[] = [];
    let recent: readonly Sample[] = [];
    for (let t = 15; t <= 105; t += 15) {
      recent = recentSamples(recent, [sampleOf({ t, ready: 0, arrivals: t === 30 ? 6 : 0 })]);
      const [oldest, ...others] = recent as RecentSamples;
      const [rate] = samplesOf(readingOf(profile('gateway-rps'), { target: 1 }, [oldest, ...others]));
      rates.push(rate?.value ?? -1);
    }
    expect(rates).toEqual([0, 6 / 30, 6 / 45, 6 / 60, 6 / 60, 0, 0]);
    // One more than the window, where the first of it began.
    expect(recent.map(({ t }) => t)).toEqual([45, 60, 75, 90, 105]);
  });

  it('agrees with a queue whose waits are known', () => {
    // One request a second waits exactly `wait` seconds: so many wait at any moment.
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 500 }), fc.integer({ min: 1, max: 120 }), (wait, secs) => {
        const steady = { secs, arrivals: secs, queue: wait };
        const [micros] = values('triton-queue-time', sampleOf(steady), sampleOf(steady));
        expect(micros).toBeCloseTo(wait * 1e6, 3);
      }),
    );
  });

  it('shows no more and no less than there is, whatever the profile', () => {
    const count = fc.integer({ min: 0, max: 10_000 });
    const any = fc.record({
      arrivals: count,
      queue: count,
      running: count,
      ready: fc.integer({ min: 1, max: 40 }),
    });
    fc.assert(
      fc.property(fc.constantFrom(...shipped.values()), any, any, (each, now, earlier) => {
        const sample = sampleOf({ ...now, util: 1, duty: 1 });
        const seen = samplesOf(readingOf(each, { target: 1 }, [sampleOf({ ...earlier, t: -45 }), sample]));
        for (const { value } of seen) expect(value).toBeGreaterThanOrEqual(0);
        const sum = seen.reduce((total, { value }) => total + value, 0);
        const expected = { queue: now.queue, running: now.running, concurrency: now.queue + now.running };
        const total = (expected as Partial<Record<string, number>>)[each.simulate];
        if (total !== undefined) expect(sum).toBeCloseTo(total, 6);
        if (each.series === 'pod') expect([0, now.ready]).toContain(seen.length);
      }),
    );
  });
});
