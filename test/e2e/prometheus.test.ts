import { readFileSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { TriggerRef } from '../../src/ports/decisions.js';
import { hpaReplicas } from '../support/hpa.js';
import { FROM_HPA, refusal } from '../support/keda-client.js';
import { podOf } from '../support/prometheus-api.js';
import { startPrometheus, type PrometheusServer, type TestTarget } from '../support/prometheus-server.js';
import { temporaryFolder } from '../support/processes.js';
import { serveHere, type TestServer } from '../support/running-server.js';
import { dcgm, nginx, TGI_IDLE, tritonPending, tritonQueueTime } from './pages.js';

/** From the pages of servers through a real Prometheus to KEDA's questions over real gRPC. */

const NAME = 'pilotlight-replicas';
const WAIT = { timeout: 20_000, interval: 100 };
const began = Date.now();
/** Requests that a counter has seen at so many a second. */
const counted = (perSecond: number) => Math.floor(((Date.now() - began) / 1000) * perSecond);

/** One scrape target each; a page of null is a pod that does not answer, or none at all. */
const world = {
  exporter: target('gpu-operator', 'nvidia-dcgm-exporter-7xk2p', dcgm('dcgm', [podOf('detector')], 82)),
  gateway: target('ingress-nginx', 'ingress-nginx-controller-6b7d9f8c4-5tqzr', ''),
  oneSeries: target('triton', podOf('one-series'), null),
  twoSeries: target('triton', podOf('two-series'), null),
  tgi: target('tgi', podOf('llama'), TGI_IDLE),
  sleeper: target('zero', podOf('sleeper'), tritonPending(0)),
  loses: [0, 1, 2].map((index) => target('loses', podOf('triton', index), tritonPending(10))),
  blind: [0, 1].map((index) => target('blind', podOf('triton', index), tritonPending(15))),
  tenant: target('tenant', podOf('triton'), tritonPending(12)),
  stops: [0, 1].map((index) => target('stops', podOf('triton', index), tritonPending(15))),
};

function target(namespace: string, pod: string, page: string | null): TestTarget {
  return { page, labels: { namespace, pod } };
}

let prometheus: PrometheusServer;
let server: TestServer;
let twin: TestServer;
let scalers: string;

beforeAll(async () => {
  Object.defineProperty(world.oneSeries, 'page', { get: () => tritonQueueTime(counted(500), 'one') });
  Object.defineProperty(world.twoSeries, 'page', { get: () => tritonQueueTime(counted(500), 'two') });
  prometheus = await startPrometheus(Object.values(world).flat(), { interval: '500ms' });
  scalers = await temporaryFolder('scalers');
  quickProfile();
  const settings = { prometheus: prometheus.url, rateWindow: '5s', scalers };
  server = await serveHere(settings);
  twin = await serveHere(settings);
  await prometheus.scraped();
});

afterAll(async () => {
  await server.stop();
  await twin.stop();
  await prometheus.stop();
  await rm(scalers, { recursive: true, force: true });
});

/** A team's own profile, for which a value is old after two seconds instead of ninety. */
function quickProfile(): void {
  const own = new URL('../../scalers/triton-pending.yaml', import.meta.url).pathname;
  const text = readFileSync(own, 'utf8').replace('name: triton-pending', 'name: triton-quick\nfreshFor: 2s');
  writeFileSync(join(scalers, 'triton-quick.yaml'), text);
}

function ref(namespace: string, name: string, metadata: Readonly<Record<string, string>>): TriggerRef {
  return { namespace, name, metadata: { ...metadata, scalerAddress: 'pilotlight.keda:50051' } };
}

/** The metric as the HPA sees it, and what the poll is told. */
async function published(of: TriggerRef, by = server): Promise<{ value: number; active: boolean }> {
  const values = await by.keda.metrics(of, NAME, FROM_HPA);
  expect(values).toHaveLength(1);
  return { value: values[0]!.metricValueFloat, active: await by.keda.isActive(of) };
}

/** Replicas that the HPA arrives at from so many. */
async function wanted(of: TriggerRef, replicas: number): Promise<number> {
  return hpaReplicas((await published(of)).value, 1, replicas);
}

describe.concurrent('a workload', () => {
  test('by GPU utilisation: 82 on one pod, 41 and 27 on three, none, and more than is allowed', async ({
    expect,
  }) => {
    const detector = ref('dcgm', 'detector', {
      profile: 'dcgm-gpu-util',
      minReplicas: '1',
      maxReplicas: '4',
    });
    const show = async (pods: number, utilisation: number) => {
      const names = Array.from({ length: pods }, (_, index) => podOf('detector', index));
      world.exporter.page = dcgm('dcgm', names, utilisation);
      await prometheus.scraped();
      await server.ticked();
    };
    await expect.poll(() => wanted(detector, 1), WAIT).toBe(3);
    await show(3, 41);
    expect(await wanted(detector, 3)).toBe(3);
    await show(3, 27);
    expect(await wanted(detector, 3)).toBe(3);
    await show(3, 0);
    expect(await published(detector)).toEqual({ value: 1, active: true });
    expect(await wanted(detector, 3)).toBe(1);
    await show(3, 100);
    expect(await wanted(detector, 3)).toBe(4);
  });

  test('by Triton’s queue time: every series twice is the same number', async ({ expect }) => {
    const [one, two] = ['one-series', 'two-series'].map((name) =>
      ref('triton', name, { profile: 'triton-queue-time' }),
    );
    // 100 µs at a target of 50 on one pod.
    await expect.poll(() => published(one!), WAIT).toEqual({ value: 2, active: true });
    await expect.poll(() => published(two!), WAIT).toEqual({ value: 2, active: true });
    const raw = ['one-series', 'two-series'].map(
      (name) => server.views.named('triton', name)[0]?.decision?.signals[0]?.raw,
    );
    expect(raw[0]).toBeCloseTo(100, 0);
    expect(raw[1]).toBeCloseTo(raw[0]!, 0);
  });

  test('of a TGI that shows no gauge because nothing has come yet is idle, not unknown', async ({
    expect,
  }) => {
    const llama = ref('tgi', 'llama', { profile: 'tgi-concurrency', slots: '32' });
    await expect.poll(() => published(llama).catch(() => null), WAIT).toEqual({ value: 0, active: false });
    const [view] = server.views.named('tgi', 'llama');
    expect(view?.decision).toMatchObject({ verdict: 'fresh', replicas: { current: 1, reporting: 1 } });
  });

  test('goes to zero when idle, and the gateway wakes it', async ({ expect }) => {
    const sleeper = ref('zero', 'sleeper', { profile: 'triton-pending', wake: 'gateway-rps' });
    world.gateway.page = nginx('zero', 'sleeper', 100);
    const stream = server.keda.streamIsActive(sleeper);
    await expect.poll(() => published(sleeper), WAIT).toEqual({ value: 0, active: false });
    world.sleeper.page = null; // KEDA takes the last replica away
    await prometheus.scraped();
    await server.ticked();
    expect(await server.keda.isActive(sleeper)).toBe(false);
    world.gateway.page = nginx('zero', 'sleeper', 103);
    await expect.poll(() => stream.received.at(-1), WAIT).toBe(true);
    expect(await server.keda.isActive(sleeper)).toBe(true);
    expect((await published(sleeper)).value).toBeGreaterThanOrEqual(1);
    world.sleeper.page = tritonPending(0); // the replica is there, and the request is done
    await expect.poll(() => server.keda.isActive(sleeper), WAIT).toBe(false);
    expect(stream.received.filter((state, index) => state === stream.received[index - 1])).toEqual([]);
    stream.cancel();
  });

  test('that loses one of three pods is not scaled down for it, and still up', async ({ expect }) => {
    const triton = ref('loses', 'triton', { profile: 'triton-pending', target: '10' });
    await expect.poll(() => published(triton), WAIT).toEqual({ value: 3, active: true });
    world.loses[1]!.page = null;
    await prometheus.scraped();
    await server.ticked();
    expect(server.views.named('loses', 'triton')[0]?.decision?.replicas).toMatchObject({
      reporting: 2,
      missing: 1,
    });
    expect(await wanted(triton, 3)).toBe(3); // 20 ÷ 10 would be 2
    for (const index of [0, 2]) world.loses[index]!.page = tritonPending(25);
    await expect.poll(() => wanted(triton, 3), WAIT).toBe(5);
  });

  test('that loses all its pods is held, then unknown, and known again when they are back', async ({
    expect,
  }) => {
    const triton = ref('blind', 'triton', { profile: 'triton-pending', target: '10', holdFor: '3s' });
    await expect.poll(() => published(triton), WAIT).toEqual({ value: 3, active: true });
    const answers: unknown[] = [];
    for (const pod of world.blind) pod.page = null;
    const { code, details } = await expect
      .poll(async () => {
        const answer = await published(triton).catch(() => null);
        answers.push(answer);
        return answer;
      }, WAIT)
      .toBeNull()
      .then(() => refusal(server.keda.isActive(triton)));
    expect(code).toBe('UNAVAILABLE');
    expect(details).toMatch(
      /^blind: triton-pending: no series for this workload; blind for .*holdFor is 3 s$/,
    );
    // Until then nothing else was said, and the last decision was held for a while.
    expect(answers.slice(0, -1)).toEqual(answers.slice(0, -1).map(() => ({ value: 3, active: true })));
    expect(answers.length).toBeGreaterThan(10);
    expect(await server.keda.metricSpec(triton)).toHaveLength(1);
    for (const pod of world.blind) pod.page = tritonPending(15);
    await expect.poll(() => published(triton).catch(() => null), WAIT).toEqual({ value: 3, active: true });
  });

  test('asks with its own query, and sees its own namespace alone', async ({ expect }) => {
    const query = 'sum(nv_inference_pending_request_count)';
    const own = ref('tenant', 'triton', { profile: 'promql', target: '10', query });
    await expect.poll(() => published(own), WAIT).toMatchObject({ value: 2 });
    const foreign = query.replace(')', '{namespace="loses"})');
    const spy = ref('tenant', 'spy', { profile: 'promql', target: '10', query: foreign });
    expect(await refusal(server.keda.isActive(spy))).toMatchObject({ code: 'UNAVAILABLE' });
    const everything = ref('tenant', 'all', {
      profile: 'promql',
      target: '1',
      query: 'count({__name__=~".+"})',
    });
    await server.keda.isActive(everything);
    const seen = server.views.named('tenant', 'all')[0]?.decision?.signals[0]?.raw;
    const theirs = await prometheus.query('count({namespace="tenant"})');
    expect(seen).toBe(Number(theirs[0]?.value[1]));
  });
});

describe('two servers on the same Prometheus', () => {
  test('answer alike', async () => {
    const refs = [
      ref('loses', 'triton', { profile: 'triton-pending', target: '10' }),
      ref('blind', 'triton', { profile: 'triton-pending', target: '7' }),
      ref('triton', 'one-series', { profile: 'triton-queue-time' }),
      ref('tgi', 'llama', { profile: 'tgi-concurrency', slots: '32' }),
      ref('dcgm', 'detector', { profile: 'dcgm-gpu-util', output: 'signal' }),
    ];
    for (const each of refs) {
      const [spec] = await server.keda.metricSpec(each);
      await expect
        .poll(async () => {
          const answers = await Promise.all(
            [server, twin].map(async ({ keda }) => [
              await keda.metricSpec(each),
              await keda.metrics(each, spec!.metricName),
              await keda.isActive(each),
            ]),
          );
          return JSON.stringify(answers[0]) === JSON.stringify(answers[1]) ? 'alike' : answers;
        }, WAIT)
        .toBe('alike');
    }
  });
});

/** The last of all: they leave Prometheus in ruins. */
describe('when Prometheus stops', () => {
  const standing = ref('stops', 'triton', { profile: 'triton-pending', target: '10' });
  const quick = ref('stops', 'triton', { profile: 'triton-quick', target: '10', holdFor: '3s' });

  test('to answer, calls are answered all the same and nothing scales down', async () => {
    for (const each of [standing, quick])
      await expect.poll(() => published(each), WAIT).toEqual({ value: 3, active: true });
    prometheus.daemon.signal('SIGSTOP');
    await server.ticked();
    const took: number[] = [];
    const answers = new Set<string>();
    for (let call = 0; call < 400; call += 1) {
      const started = performance.now();
      answers.add(JSON.stringify(await server.keda.metrics(standing, NAME, FROM_HPA)));
      took.push(performance.now() - started);
      if (call % 20 === 0) await pause(25); // over some ticks
    }
    expect(answers.size).toBe(1);
    expect(await published(standing)).toEqual({ value: 3, active: true });
    const p99 = took.sort((a, b) => a - b)[Math.floor(took.length * 0.99)]!;
    console.log(`calls while Prometheus hangs: p50 ${took[200]!.toFixed(2)} ms, p99 ${p99.toFixed(2)} ms`);
    expect(p99).toBeLessThan(500);
  });

  test('for longer than values are fresh and decisions stand, the answer is UNAVAILABLE with the reason', async () => {
    const answers: unknown[] = [];
    await expect
      .poll(async () => {
        const answer = await published(quick).catch(() => null);
        answers.push(answer);
        return answer;
      }, WAIT)
      .toBeNull();
    const { details } = await refusal(server.keda.isActive(quick));
    expect(details).toMatch(/no answer within .*holdFor is 3 s/);
    expect(new Set(answers.slice(0, -1).map((answer) => JSON.stringify(answer))).size).toBeLessThanOrEqual(1);
    expect(await server.keda.metricSpec(quick)).toHaveLength(1);
    expect(await (await fetch(`${server.http}/readyz`)).text()).toBe('ok');
  });

  test('and goes on again, the answers are there again', async () => {
    prometheus.daemon.signal('SIGCONT');
    await expect.poll(() => published(quick).catch(() => null), WAIT).toEqual({ value: 3, active: true });
  });

  test('for good, the last decision stands', async () => {
    prometheus.daemon.signal('SIGKILL');
    await expect
      .poll(() => server.views.named('stops', 'triton').map(({ decision }) => decision?.reason), WAIT)
      .toEqual(expect.arrayContaining([expect.stringMatching(/ECONNREFUSED|connection|left alone/)]));
    expect(await published(standing)).toEqual({ value: 3, active: true });
    expect(await server.keda.isActive(standing)).toBe(true);
  });
});
