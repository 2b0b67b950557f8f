import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { MINUTE } from '../../src/core/time.js';
import { loadProfiles } from '../../src/server/profiles-folder.js';
import { PodReadings } from '../../src/server/pod-readings.js';
import { Registry } from '../../src/server/registry.js';
import { resolveSettings } from '../../src/server/settings.js';
import { openSources, type OpenSources } from '../../src/server/sources.js';
import { podOf, servePrometheusApi, vectorOf, type PrometheusApi } from '../support/prometheus-api.js';

/** A hundred workloads on two profiles, of pods that serve 10 requests each second and took 38 s to load. */

const WORKLOADS = 100;
const PROFILES = ['triton-pending', 'vllm-concurrency'];
const nothing = { prometheus: () => null, queue: () => null, query: () => ({ why: 'none here' }) };

let now: number;
let prometheus: PrometheusApi;
let sources: OpenSources;
let registry: Registry;
const clock = { now: () => now };
const targets = { list: () => [] };

beforeAll(async () => {
  prometheus = await servePrometheusApi(() => undefined);
  const flags = { prometheus: prometheus.url };
  sources = openSources(resolveSettings({ flags, environment: {}, file: null }), null, clock);
});

afterAll(async () => {
  sources.close();
  await prometheus.stop();
});

beforeEach(() => {
  now = 1_800_000_000_000;
  const began = now;
  prometheus.queries.length = 0;
  prometheus.answer = (promql, response) => {
    const value = promql.includes('load_duration') ? 38 : (10 * (now - began)) / 1000;
    const pods = Array.from({ length: WORKLOADS }, (_, index) => ({
      labels: { namespace: 'ns', pod: podOf(`w${index}`) },
      value,
      ageSeconds: 0,
    }));
    response.end(vectorOf(pods, now));
  };
  registry = new Registry(loadProfiles(undefined), nothing, clock);
  for (let index = 0; index < WORKLOADS; index += 1) add(`w${index}`, PROFILES[index % 2] ?? '');
});

function add(name: string, profile: string): void {
  const metadata = { profile, target: '5' };
  if ('kind' in registry.find({ namespace: 'ns', name, metadata })) throw new Error(name);
}

function readings(wanted: { served: boolean; modelLoad: boolean }): PodReadings {
  const onFault = (error: unknown) => {
    throw error;
  };
  return new PodReadings({ clock, tickMs: 5000, onFault, ...wanted });
}

const round = (pods: PodReadings) => pods.afterTick(registry.all(), { sources, targets });

describe('what pods report beside their signals', () => {
  test('takes one question for each profile that has it, whatever the number of workloads', async () => {
    const pods = readings({ served: true, modelLoad: true });
    expect(await round(pods)).toBe(3);
    expect(prometheus.queries.length).toBe(3);
    expect(
      prometheus.queries.filter((promql) => promql.includes('nv_model_load_duration_secs')),
    ).toHaveLength(1);
  });

  test('is asked every minute for what is served, and every five for what loading took', async () => {
    const pods = readings({ served: true, modelLoad: true });
    const asked: number[] = [];
    for (let minute = 0; minute <= 5; minute += 0.5, now += MINUTE / 2) asked.push(await round(pods));
    expect(asked).toEqual([3, 0, 2, 0, 2, 0, 2, 0, 2, 0, 3]);
  });

  test('is known of each workload whose profile tells it', async () => {
    const pods = readings({ served: true, modelLoad: true });
    await round(pods);
    now += MINUTE;
    await round(pods);
    const [triton, vllm] = ['w0', 'w1'].map((name) => ({ namespace: 'ns', name }));
    expect([pods.perSecondOf(triton!), pods.perSecondOf(vllm!)]).toEqual([10, 10]);
    expect([pods.modelLoadOf(triton!), pods.modelLoadOf(vllm!)]).toEqual([38_000, null]);
  });

  test('is not asked where it is not wanted, or there is nobody to ask it for', async () => {
    expect(await round(readings({ served: false, modelLoad: true }))).toBe(1);
    expect(await round(readings({ served: false, modelLoad: false }))).toBe(0);
    registry = new Registry(loadProfiles(undefined), nothing, clock);
    const pods = readings({ served: true, modelLoad: true });
    expect(await round(pods)).toBe(0);
    add('first', 'triton-pending');
    expect(await round(pods)).toBe(2);
  });

  test('counts once for a ScaledObject with two triggers', async () => {
    add('w0', 'triton-concurrency');
    const pods = readings({ served: true, modelLoad: false });
    await round(pods);
    now += MINUTE;
    await round(pods);
    expect(pods.perSecondOf({ namespace: 'ns', name: 'w0' })).toBe(10);
  });

  test('is unknown, and not 0, where Prometheus does not answer', async () => {
    prometheus.answer = (_, response) => response.writeHead(500).end('down');
    const pods = readings({ served: true, modelLoad: true });
    await round(pods);
    now += MINUTE;
    await round(pods);
    const workload = { namespace: 'ns', name: 'w0' };
    expect([pods.perSecondOf(workload), pods.modelLoadOf(workload)]).toEqual([null, null]);
  });
});
