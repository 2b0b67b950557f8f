import { afterEach, describe, expect, it } from 'vitest';
import type { ScrapeExpression } from '../../../src/policy/profile.js';
import type { MetricAnswer, MetricRequest, MetricSeries } from '../../../src/ports/metric-source.js';
import type { ScrapeTarget } from '../../../src/ports/scrape-targets.js';
import {
  createScrapeSource,
  type ScrapeOptions,
  type ScrapeSource,
} from '../../../src/signals/scrape/scraper.js';
import {
  DCGM,
  endpoint,
  exporterProfile,
  exposition,
  podTarget,
  profile,
  testClock,
  type TestEndpoint,
} from './support.js';

const open: { close(): unknown }[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((one) => one.close()));
});

async function serve(page: TestEndpoint['page'] = ''): Promise<TestEndpoint> {
  const served = await endpoint(page);
  open.push(served);
  return served;
}

function source(targets: readonly ScrapeTarget[], more: Partial<ScrapeOptions> = {}): ScrapeSource {
  const created = createScrapeSource({ targets: { list: () => targets }, clock: testClock(), ...more });
  open.push(created);
  return created;
}

async function series(from: ScrapeSource, request: Partial<MetricRequest> & Pick<MetricRequest, 'profile'>) {
  return answered(await from.read({ byModel: false, ...request }));
}

function answered(answer: MetricAnswer): readonly MetricSeries[] {
  if (answer.kind === 'failed') throw new Error(answer.why);
  return answer.series;
}

function values(all: readonly MetricSeries[]): Record<string, number> {
  return Object.fromEntries(
    all.map(({ namespace, service, model, sample }) => [
      [namespace, sample.pod ?? service, ...(model === null ? [] : [model])].join('/'),
      sample.value,
    ]),
  );
}

const queue: ScrapeExpression = { sum: ['q'] };

describe('pods', () => {
  it('are read at their own URLs, each with the time of its scrape', async () => {
    const [a, b] = [await serve('q 3\n'), await serve('q{x="1"} 1\nq{x="2"} 1\n')];
    const clock = testClock();
    const from = source([podTarget(a.url, 'a'), podTarget(b.url, 'b', 'other')], { clock });
    expect(await series(from, { profile: profile(queue) })).toEqual([
      { namespace: 'ns', service: null, model: null, sample: { pod: 'a', value: 3, at: clock.now() } },
      { namespace: 'other', service: null, model: null, sample: { pod: 'b', value: 2, at: clock.now() } },
    ]);
  });

  it('whose page has no such metric give no sample, or what the profile says', async () => {
    const [busy, idle] = [await serve(exposition('tgi')), await serve(exposition('tgi-idle'))];
    const from = source([podTarget(busy.url, 'busy'), podTarget(idle.url, 'idle')]);
    const load: ScrapeExpression = {
      add: [{ sum: ['tgi_queue_size'] }, { sum: ['tgi_batch_current_size'] }],
    };
    expect(values(await series(from, { profile: profile(load) }))).toEqual({ 'ns/busy': 17 });
    const withOtherwise = profile(load, { scrape: { otherwise: 0 } });
    expect(values(await series(from, { profile: withOtherwise }))).toEqual({ 'ns/busy': 17, 'ns/idle': 0 });
  });

  it('that fail are unknown, also where absence has a value', async () => {
    const [good, bad] = [await serve(''), await serve((_, response) => response.writeHead(500).end('q 5'))];
    const from = source([podTarget(bad.url, 'bad'), podTarget(good.url, 'good')]);
    const request = { profile: profile(queue, { scrape: { otherwise: 0 } }) };
    expect(values(await series(from, request))).toEqual({ 'ns/good': 0 });
    expect(from.faults()).toEqual([{ url: bad.url, why: 'expected 200, got 500 Internal Server Error' }]);
  });

  it('with several endpoints are read where the profile says, if it is there', async () => {
    const [app, metrics] = [await serve('q 100\n'), await serve('q 1\n')];
    const port = Number(new URL(metrics.url).port);
    const from = source([podTarget(app.url), podTarget(metrics.url)]);
    expect(values(await series(from, { profile: profile(queue, { scrape: { port } }) }))).toEqual({
      'ns/pod-1': 1,
    });
    expect(app.gets).toBe(0);
    // No port in common: all that the pod says, or nothing while a part of it is silent.
    expect(values(await series(from, { profile: profile(queue) }))).toEqual({ 'ns/pod-1': 101 });
    await app.close();
    const again = source([podTarget(app.url), podTarget(metrics.url)]);
    expect(values(await series(again, { profile: profile(queue, { scrape: { otherwise: 0 } }) }))).toEqual(
      {},
    );
  });

  it('are split by model when asked', async () => {
    const from = source([podTarget((await serve(exposition('triton'))).url)]);
    const pending = profile({ sum: ['nv_inference_pending_request_count'] }, { model: 'model' });
    const all = values(await series(from, { profile: pending }));
    const byModel = values(await series(from, { profile: pending, byModel: true }));
    expect(Object.keys(byModel).sort()).toEqual([
      'ns/pod-1/densenet_onnx',
      'ns/pod-1/preprocessor',
      'ns/pod-1/resnet50_trt',
    ]);
    expect(all).toEqual({ 'ns/pod-1': Object.values(byModel).reduce((sum, value) => sum + value, 0) });
  });

  it('that served a page are alive', async () => {
    const [up, down] = [
      await serve('# nothing yet\n'),
      await serve((_, response) => response.writeHead(503).end()),
    ];
    const from = source([podTarget(up.url, 'up'), podTarget(down.url, 'down')]);
    expect(values(await series(from, { profile: profile(queue), part: 'alive' }))).toEqual({ 'ns/up': 1 });
    const exporter = exporterProfile(queue, DCGM);
    expect(await from.read({ profile: exporter, byModel: false, part: 'alive' })).toMatchObject({
      kind: 'failed',
    });
  });
});

describe('exporters', () => {
  const util = exporterProfile({ mean: ['DCGM_FI_DEV_GPU_UTIL'] }, DCGM);
  const active = exporterProfile({ clampMax: [{ mean: ['DCGM_FI_PROF_GR_ENGINE_ACTIVE'] }, 1] }, DCGM);

  async function dcgm(...pages: string[]): Promise<ScrapeSource> {
    const served = await Promise.all(pages.map((page) => serve(page)));
    return source([
      ...served.map(({ url }): ScrapeTarget => ({ kind: 'exporter', exporter: 'dcgm', url })),
      { kind: 'exporter', exporter: 'another', url: 'http://127.0.0.1:1/metrics' },
      podTarget('http://127.0.0.1:1/metrics'),
    ]);
  }

  it('report for the pods in their labels; a GPU that nobody holds is nobody’s', async () => {
    expect(values(await series(await dcgm(exposition('dcgm-k8s')), { profile: util }))).toEqual({
      'inference/triton-7c9d8b6f5d-4kq2x': 87,
      'inference/triton-7c9d8b6f5d-m8zvn': 52,
      'inference/triton-7c9d8b6f5d-xw7ht': 3,
    });
  });

  it('under MIG: the instances that pods hold, and no GPU utilisation', async () => {
    const from = await dcgm(exposition('dcgm-mig'));
    expect(values(await series(from, { profile: active }))).toEqual({
      'inference/triton-mig-6d5f9c7b44-2fjxk': 0.412007,
      'inference/triton-mig-6d5f9c7b44-hs9pl': 0.077315,
      'inference/triton-mig-6d5f9c7b44-t6r5d': 0.995687,
    });
    expect(await series(from, { profile: util })).toEqual([]);
  });

  it('under time-slicing: each pod its own share, not the card', async () => {
    expect(values(await series(await dcgm(exposition('dcgm-timeslicing')), { profile: util }))).toEqual({
      'inference/triton-7c9d8b6f5d-4kq2x': 58,
      'inference/triton-7c9d8b6f5d-m8zvn': 29,
    });
  });

  it('may name the pod under another label, the first that is not empty', async () => {
    const page =
      'u{namespace="monitoring",pod="exporter",exported_namespace="a",exported_pod="p"} 1\n' +
      'u{namespace="b",pod="r",exported_namespace="",exported_pod=""} 2\nu{namespace="c"} 3\n';
    const profiled = exporterProfile({ mean: ['u'] }, DCGM);
    expect(values(await series(await dcgm(page), { profile: profiled }))).toEqual({ 'a/p': 1, 'b/r': 2 });
  });

  it('of one Service add up, with the rates of each', async () => {
    const [one, two] = [
      await serve('r{ns="a",svc="s"} 10\n'),
      await serve('r{ns="a",svc="s"} 1000\nr{ns="b",svc="t"} 5\n'),
    ];
    const gateways = [one, two].map(({ url }): ScrapeTarget => ({
      kind: 'exporter',
      exporter: 'gateway',
      url,
    }));
    const clock = testClock();
    const from = source(gateways, { clock });
    const rps = exporterProfile(
      { rate: ['r'] },
      { from: 'gateway', labels: { namespace: ['ns'], service: ['svc'] } },
      { series: 'service' },
    );
    expect(await series(from, { profile: rps })).toEqual([]);
    clock.advance(10_000);
    one.page = 'r{ns="a",svc="s"} 30\n';
    two.page = 'r{ns="a",svc="s"} 1010\nr{ns="b",svc="t"} 5\n';
    const found = await series(from, { profile: rps });
    expect(values(found)).toEqual({ 'a/s': 3, 'b/t': 0 });
    expect(found[0]?.sample.pod).toBeNull();
  });
});

describe('counters', () => {
  const rate = profile({ rate: ['c'] }, { scrape: { otherwise: 0 } });

  it('need two pages, and are unknown until then', async () => {
    const pod = await serve('c 100\n');
    const clock = testClock();
    const from = source([podTarget(pod.url)], { clock });
    expect(values(await series(from, { profile: rate }))).toEqual({}); // not 0: the pod has the metric
    clock.advance(5000);
    pod.page = 'c 150\n';
    expect(values(await series(from, { profile: rate }))).toEqual({ 'ns/pod-1': 10 });
    clock.advance(5000);
    pod.page = 'c 20\n'; // reset: unloaded and loaded again, in the same process
    expect(values(await series(from, { profile: rate }))).toEqual({ 'ns/pod-1': 4 });
  });

  it('start anew when the process does', async () => {
    const pod = await serve('process_start_time_seconds 1000\nc 100\n');
    const clock = testClock();
    const from = source([podTarget(pod.url)], { clock });
    await series(from, { profile: rate });
    clock.advance(5000);
    pod.page = 'process_start_time_seconds 2000\nc 100000\n';
    expect(values(await series(from, { profile: rate }))).toEqual({});
    clock.advance(5000);
    pod.page = 'process_start_time_seconds 2000\nc 100005\n';
    expect(values(await series(from, { profile: rate }))).toEqual({ 'ns/pod-1': 1 });
  });

  it('bridge a lost scrape', async () => {
    const pod = await serve('c 0\n');
    const clock = testClock();
    const from = source([podTarget(pod.url)], { clock });
    await series(from, { profile: rate });
    clock.advance(5000);
    pod.page = (_, response) => response.writeHead(503).end();
    expect(await from.read({ profile: rate, byModel: false })).toMatchObject({ kind: 'failed' });
    clock.advance(5000);
    pod.page = 'c 50\n';
    expect(values(await series(from, { profile: rate }))).toEqual({ 'ns/pod-1': 5 });
  });

  it('are forgotten with their target', async () => {
    const pod = await serve('c 0\n');
    const clock = testClock();
    let targets = [podTarget(pod.url)];
    const from = createScrapeSource({ targets: { list: () => targets }, clock });
    open.push(from);
    await series(from, { profile: rate });
    targets = [];
    expect(await from.read({ profile: rate, byModel: false })).toEqual({
      kind: 'failed',
      why: 'no scrape target of a pod for test',
    });
    clock.advance(5000);
    targets = [podTarget(pod.url, 'another with the same address')];
    pod.page = 'c 1000\n';
    expect(values(await series(from, { profile: rate }))).toEqual({});
  });
});

describe('weights and times', () => {
  const queueTime = profile(
    { ratio: [{ rate: ['wait'] }, { rate: ['done'] }] },
    {
      scrape: { weight: { rate: ['done'] }, otherwise: 0 },
    },
  );

  it('come with the value: what it is the mean of', async () => {
    const pod = await serve('wait 0\ndone 0\n');
    const clock = testClock();
    const from = source([podTarget(pod.url)], { clock });
    await series(from, { profile: queueTime });
    clock.advance(10_000);
    pod.page = 'wait 600\ndone 20\n';
    const [busy] = await series(from, { profile: queueTime });
    expect(busy?.sample).toMatchObject({ value: 30, weight: 2 });
    clock.advance(10_000);
    const [still] = await series(from, { profile: queueTime });
    expect(still?.sample).toMatchObject({ value: 0, weight: 0 });
  });

  it('weigh nothing on a page without any of it', async () => {
    const from = source([podTarget((await serve('')).url)]);
    const [idle] = await series(from, { profile: queueTime });
    expect(idle?.sample).toMatchObject({ value: 0, weight: 0 });
  });

  it('are those of the samples, and never of the future', async () => {
    const clock = testClock();
    const now = clock.now();
    const stamped = await serve(`q{a="1"} 1 ${now - 30_000}\nq{a="2"} 1 ${now - 20_000}\nother 1\n`);
    const ahead = await serve(`q 1 ${now + 60_000}\n`);
    const from = source([podTarget(stamped.url, 'a'), podTarget(ahead.url, 'b')], { clock });
    const found = await series(from, { profile: profile(queue) });
    expect(found.map(({ sample }) => sample.at)).toEqual([now - 20_000, now]);
  });
});

describe('one GET a tick', () => {
  const profiles = ['q', 'r', 's'].map((name) => profile({ sum: [name] }, { name }));

  it('serves all profiles that ask at once', async () => {
    const pod = await serve('q 1\nr 2\ns 3\n');
    const from = source([podTarget(pod.url)]);
    const found = await Promise.all(profiles.map((one) => series(from, { profile: one })));
    expect(found.map(values)).toEqual([{ 'ns/pod-1': 1 }, { 'ns/pod-1': 2 }, { 'ns/pod-1': 3 }]);
    expect(pod.gets).toBe(1);
  });

  it('serves those who ask within the second, and the next tick gets a new page', async () => {
    const pod = await serve('q 1\nr 2\ns 3\n');
    const clock = testClock();
    const from = source([podTarget(pod.url)], { clock });
    for (const one of profiles) await series(from, { profile: one });
    const first = pod.gets;
    expect(first).toBe(3); // each was new to the source, and the page before had not been read for it
    clock.advance(5000);
    for (const one of profiles) {
      await series(from, { profile: one });
      clock.advance(300);
    }
    expect(pod.gets).toBe(first + 1);
    clock.advance(100); // 1 s since the page
    await series(from, { profile: profiles[0]! });
    expect(pod.gets).toBe(first + 2);
  });

  it('is shared by a failure too', async () => {
    const pod = await serve((_, response) => response.writeHead(500).end());
    const from = source([podTarget(pod.url)]);
    for (const one of profiles)
      expect(await from.read({ profile: one, byModel: false })).toMatchObject({ kind: 'failed' });
    expect(pod.gets).toBe(1);
  });

  it('is enough for a target that is listed twice', async () => {
    const pod = await serve('q 1\n');
    const from = source([podTarget(pod.url, 'a'), podTarget(pod.url, 'b')]);
    expect(values(await series(from, { profile: profiles[0]! }))).toEqual({ 'ns/a': 1, 'ns/b': 1 });
    expect(pod.gets).toBe(1);
  });
});

describe('failures', () => {
  it('of all targets are one failure, with their number and the first reason', async () => {
    const targets = ['a', 'b'].map((pod) => podTarget(`http://127.0.0.1:1/${pod}`, pod));
    expect(await source(targets).read({ profile: profile(queue), byModel: false })).toEqual({
      kind: 'failed',
      why: 'all 2 scrape targets failed; the first, http://127.0.0.1:1/a: connection refused',
    });
  });

  it('name the exporter that has no target, and the profile that has no direct form', async () => {
    const from = source([podTarget('http://127.0.0.1:1/')]);
    expect(await from.read({ profile: exporterProfile(queue, DCGM), byModel: false })).toEqual({
      kind: 'failed',
      why: 'no scrape target of the exporter "dcgm" for test',
    });
    const indirect = { ...profile(queue), scrape: { none: 'Because.' } };
    expect(await from.read({ profile: indirect, byModel: false })).toEqual({
      kind: 'failed',
      why: 'test cannot be scraped: Because.',
    });
  });

  it('are what targets beyond the limit count as', async () => {
    const pods = [await serve('q 1\n'), await serve('q 2\n')];
    const from = source(
      pods.map(({ url }, index) => podTarget(url, String(index))),
      { maxTargets: 1 },
    );
    expect(values(await series(from, { profile: profile(queue) }))).toEqual({ 'ns/0': 1 });
    expect(pods[1]!.gets).toBe(0);
  });

  it('do not stand in the way of others: those that failed go last', async () => {
    const asked: string[] = [];
    const page = (name: string, status: number) =>
      serve((_, response) => {
        asked.push(name);
        response.writeHead(status, { 'content-type': 'text/plain' }).end('q 1\n');
      });
    const [bad, good] = [await page('bad', 500), await page('good', 200)];
    const clock = testClock();
    const from = source([podTarget(bad.url, 'bad'), podTarget(good.url, 'good')], { clock, concurrency: 1 });
    await series(from, { profile: profile(queue) });
    clock.advance(5000);
    await series(from, { profile: profile(queue) });
    expect(asked).toEqual(['bad', 'good', 'good', 'bad']);
  });
});
