import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { TriggerRef } from '../../src/ports/decisions.js';
import type { ForecastView } from '../../src/ports/workload-views.js';
import { podOf } from '../support/prometheus-api.js';
import { eventually, temporaryFolder } from '../support/processes.js';
import { startPrometheus, type PrometheusServer } from '../support/prometheus-server.js';
import { serveHere, type TestServer } from '../support/running-server.js';

/**
 * From what servers show of their load, through a real Prometheus, to the forecast. To the scaler a scrape is 15 s: its
 * clock runs 50 times as fast as Prometheus's, so that a quarter of an hour of load takes 18 s.
 */
const SCRAPE_MS = 300;
const FASTER = 15_000 / SCRAPE_MS;
const began = Date.now();
const clock = { now: () => began + (Date.now() - began) * FASTER };
const WAIT = { timeout: 10_000, interval: 50 };
const seconds = () => (Date.now() - began) / 1000;

/** A vLLM that serves so many requests a second, with so many running and `growth` more waiting after each scrape. */
function vllm(served: number, running: number, growth: number): string {
  const labels = 'engine="0",model_name="llama"';
  const waiting = (seconds() * 1000 * growth) / SCRAPE_MS;
  return [
    '# TYPE vllm:num_requests_running gauge',
    `vllm:num_requests_running{${labels}} ${running}`,
    '# TYPE vllm:num_requests_waiting gauge',
    `vllm:num_requests_waiting{${labels}} ${waiting}`,
    '# TYPE vllm:request_success_total counter',
    `vllm:request_success_total{${labels},finished_reason="stop"} ${1000 + seconds() * FASTER * served}`,
    '',
  ].join('\n');
}

/** A GPU exporter that shows 60 % for the pod that holds the GPU. */
const DCGM = `# TYPE DCGM_FI_DEV_GPU_UTIL gauge
DCGM_FI_DEV_GPU_UTIL{gpu="0",UUID="GPU-1",namespace="team",pod="${podOf('detector')}",container="detector"} 60
`;

let prometheus: PrometheusServer;
let server: TestServer;

beforeAll(async () => {
  const target = (name: string, page: () => string) => ({
    labels: { namespace: 'team', pod: podOf(name) },
    get page() {
      return page();
    },
  });
  const targets = [
    target('steady', () => vllm(0.5, 4, 0)),
    target('saturated', () => vllm(1, 8, 20)),
    target('exporter', () => DCGM),
  ];
  prometheus = await startPrometheus(targets, { interval: `${SCRAPE_MS}ms` });
  server = await serveHere({ prometheus: prometheus.url }, { clock });
  // The first scrapes of a Prometheus that is starting may take longer than they have.
  await eventually('a decision', () => server.keda.isActive(triggers.steady).catch(() => undefined));
});

afterAll(async () => {
  await server.stop();
  await prometheus.stop();
});

const FORECAST = { slots: '8', serviceTime: '8s', slo: '10s@99%', forecast: 'on', maxReplicas: '20' };

function ref(name: string, metadata: Readonly<Record<string, string>> = {}): TriggerRef {
  return { namespace: 'team', name, metadata: { profile: 'vllm-concurrency', ...FORECAST, ...metadata } };
}

interface Explained {
  readonly decision: { readonly stages: readonly { stage: string; why: string }[] };
  readonly forecast: ForecastView | null;
}

/** What the console says of a workload that KEDA asks about. */
async function explained(of: TriggerRef): Promise<Explained> {
  await server.keda.isActive(of);
  const response = await fetch(`${server.http}/v1/workloads/team/${of.name}`);
  const { triggers } = (await response.json()) as { triggers: Explained[] };
  return triggers.at(-1)!;
}

const triggers = {
  steady: ref('steady'),
  saturated: ref('saturated'),
  detector: ref('detector', { profile: 'dcgm-gpu-util' }),
};

describe('a trigger with forecast: on', () => {
  test('says what it waits for until it has seen a quarter of an hour', async () => {
    const { decision, forecast } = await explained(triggers.steady);
    expect(decision.stages.map(({ stage }) => stage)).not.toContain('forecast');
    expect(forecast).toMatchObject({ forecast: null, why: expect.stringMatching(/seen/) as string });
  });

  test('and from then on decides by what it foresees', { timeout: 60_000 }, async () => {
    const all = [triggers.steady, triggers.saturated, triggers.detector];
    await expect
      .poll(
        async () => (await Promise.all(all.map(explained))).map((each) => each.forecast?.forecast !== null),
        {
          timeout: 45_000,
          interval: 200,
        },
      )
      .toEqual([true, true, true]);
    const { decision, forecast } = await explained(triggers.steady);
    expect(decision.stages.map(({ stage }) => stage)).toContain('forecast');
    expect(forecast!.beats).toBeGreaterThanOrEqual(60);
    expect(forecast!.forecast!.replicas).toBeGreaterThanOrEqual(1);
    expect(forecast!.caveat).toBeNull();
    // As many seconds as beats have 15, less the time without data that is passed over.
    expect(clock.now() - forecast!.seenSince!).toBeGreaterThanOrEqual(60 * 15_000 - 120_000);
  });

  test('a saturated server does not teach that demand is flat', async () => {
    const coming = async (of: TriggerRef, expected: number) => {
      const { forecast } = await explained(of);
      return Math.abs(forecast!.requestsPerSecond - expected) / expected < 0.1;
    };
    // 1 request/s is served, which is all that 8 slots of 8 s can; and each scrape finds 20 more waiting: 35 came in 15 s.
    await expect.poll(() => coming(triggers.saturated, 35 / 15), WAIT).toBe(true);
    await expect.poll(() => coming(triggers.steady, 0.5), WAIT).toBe(true);
    // 60 % of a replica, full at one request a second.
    await expect.poll(() => coming(triggers.detector, 0.6), WAIT).toBe(true);
  });

  test('the metrics show it', async () => {
    const page = await (await fetch(`${server.http}/metrics`)).text();
    const of = (name: string, workload: string) =>
      Number(
        new RegExp(`^${name}{namespace="team",scaledobject="${workload}",[^}]*} (\\S+)$`, 'm').exec(
          page,
        )?.[1],
      );
    expect(of('pilotlight_forecast_beats_seen', 'saturated')).toBeGreaterThanOrEqual(60);
    expect(of('pilotlight_forecast_replicas', 'saturated')).toBeGreaterThan(1);
    expect(of('pilotlight_forecast_chance_ratio', 'saturated')).toBeLessThanOrEqual(1);
  });

  test('that can only see utilisation says what it cannot see', async () => {
    const { forecast } = await explained(triggers.detector);
    expect(forecast!.caveat).toMatch(/utilisation: a saturated server hides demand/);
  });
});

test('a trigger that does not say how long a request takes is told', async () => {
  const { serviceTime: _, ...metadata } = ref('incomplete', { workload: 'deployment/steady' }).metadata;
  const { forecast } = await explained({ namespace: 'team', name: 'incomplete', metadata });
  expect(forecast).toMatchObject({
    forecast: null,
    why: 'the forecast waits for serviceTime in the trigger',
  });
});

test('what is served is asked for once, and by those alone that forecast', async () => {
  const asked = async () => {
    const page = await (await fetch(`${server.http}/metrics`)).text();
    return Number(/^pilotlight_tick_queries (\d+)$/m.exec(page)?.[1]);
  };
  // The signal of vllm-concurrency, what is served, the GPU's utilisation; three triggers share the first two.
  await expect.poll(asked, WAIT).toBe(3);
  await server.keda.isActive(
    ref('plain', { profile: 'vllm-waiting', forecast: 'off', workload: 'deployment/saturated' }),
  );
  await expect.poll(asked, WAIT).toBe(4);
});

test('what was learned outlives a restart', async () => {
  const stateDir = await temporaryFolder('state');
  const settings = { prometheus: prometheus.url, stateDir, noWarmUps: true };
  const seenBy = async (other: TestServer) => {
    await other.keda.isActive(triggers.steady);
    return other.views.named('team', 'steady')[0]?.forecast?.beats ?? 0;
  };
  const before = await serveHere(settings, { clock });
  await expect.poll(() => seenBy(before), WAIT).toBeGreaterThan(3);
  await before.stop();
  const after = await serveHere(settings, { clock });
  expect(await seenBy(after)).toBeGreaterThan(3);
  await after.stop();
});
