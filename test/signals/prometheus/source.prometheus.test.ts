import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { confineQuery } from '../../../src/signals/prometheus/promql-guard.js';
import { createPrometheusSource, type PrometheusSource } from '../../../src/signals/prometheus/source.js';
import type { MetricSeries } from '../../../src/ports/metric-source.js';
import { eventually } from '../../support/processes.js';
import { startPrometheus, type PrometheusServer, type TestTarget } from '../../support/prometheus-server.js';
import { answered, failure, fromTrigger, profile, wallClock } from './support.js';

type Page = { -readonly [K in keyof TestTarget]: TestTarget[K] };

const a: Page = {
  page: 'app_queue{model="x"} 3\napp_queue{model="y"} 4\napp_weight 10\n',
  labels: { namespace: 'shop', pod: 'web-a' },
};
const b: Page = {
  page: 'app_queue{model="x"} 5\napp_weight 30\n',
  labels: { namespace: 'shop', pod: 'web-b' },
};
const nowhere: Page = { page: 'app_queue 99\n', labels: {} };
/** Written by the exporter with a time of its own: it outlives its target for five minutes. */
const OLD = Date.now() - 40_000;
const stamped: Page = { page: `app_stamped 7 ${OLD}\n`, labels: { namespace: 'shop', pod: 'gpu-a' } };
const odd: Page = {
  page: 'odd{model="nan"} NaN\nodd{model="inf"} +Inf\nodd{model="minus"} -Inf\n',
  labels: { namespace: 'shop', pod: 'web-a' },
};

let prometheus: PrometheusServer;
let source: PrometheusSource;
beforeAll(async () => {
  prometheus = await startPrometheus([a, b, nowhere, stamped, odd]);
  source = createPrometheusSource({ url: prometheus.url, clock: wallClock });
  await prometheus.scraped();
});
afterAll(async () => {
  source.close();
  await prometheus.stop();
});

const form = (metric: string) => ({
  prometheus: { value: `sum by ({{by}}) (${metric})`, at: `max by ({{by}}) (timestamp(${metric}))` },
});
const weighted = profile({
  prometheus: { ...form('app_queue').prometheus, weight: 'sum by ({{by}}) (app_weight)' },
});

async function read(of = profile(), byModel = false): Promise<readonly MetricSeries[]> {
  return answered(await source.read({ profile: of, byModel }));
}

/** In the order of pods and models. */
const brief = (series: readonly MetricSeries[]) =>
  series
    .map(({ namespace, model, sample: { pod, value } }) => [namespace, pod, model, value])
    .sort((left, right) => (left.join() < right.join() ? -1 : 1));

describe('a profile', () => {
  it('gives one sample a pod, with its age', async () => {
    const before = Date.now();
    const series = await read(weighted);
    expect(brief(series)).toEqual([
      ['shop', 'web-a', null, 7],
      ['shop', 'web-b', null, 5],
    ]);
    expect(new Map(series.map(({ sample }) => [sample.pod, sample.weight]))).toEqual(
      new Map([
        ['web-a', 10],
        ['web-b', 30],
      ]),
    );
    for (const { sample } of series) {
      expect(sample.at).toBeLessThanOrEqual(Date.now());
      expect(sample.at).toBeGreaterThan(before - 20_000);
    }
    expect(source.health().dropped.withoutOwner).toBeGreaterThan(0);
  });

  it('gives one sample a model when asked by model', async () => {
    expect(brief(await read(profile(), true))).toEqual([
      ['shop', 'web-a', 'x', 3],
      ['shop', 'web-a', 'y', 4],
      ['shop', 'web-b', 'x', 5],
    ]);
  });

  it('takes the time that an exporter wrote, however far our clock is off', async () => {
    const stampedForm = profile(form('app_stamped'));
    for (const ahead of [0, 600_000, -600_000]) {
      const skewed = createPrometheusSource({
        url: prometheus.url,
        clock: { now: () => Date.now() + ahead },
      });
      const [series] = answered(await skewed.read({ profile: stampedForm, byModel: false }));
      skewed.close();
      const at = (series?.sample.at ?? NaN) - ahead;
      expect(at).toBeLessThanOrEqual(OLD + 1);
      expect(at).toBeGreaterThan(OLD - 20_000);
    }
  });

  it('passes on NaN and infinities', async () => {
    expect(brief(await read(profile(form('odd')), true)).map(([, , model, value]) => [model, value])).toEqual(
      [
        ['inf', Infinity],
        ['minus', -Infinity],
        ['nan', NaN],
      ],
    );
  });

  it('knows the pods that are up', async () => {
    const series = answered(await source.read({ profile: profile(), byModel: false, part: 'alive' }));
    expect(brief(series)).toEqual([
      ['shop', 'gpu-a', null, 1],
      ['shop', 'web-a', null, 1],
      ['shop', 'web-b', null, 1],
    ]);
  });

  it('shows what Prometheus makes of its query', async () => {
    const wrong = profile({ prometheus: { value: 'sum by ({{by}}) (rate(app_queue))', at: 'up' } });
    const why = failure(await source.read({ profile: wrong, byModel: false }));
    expect(why).toMatch(/HTTP 400 \(bad_data: .*expected type range vector/);
  });
});

describe('a query from the trigger', () => {
  const ask = (query: string) => source.read({ profile: fromTrigger, byModel: false, query });
  const values = async (query: string) => brief(answered(await ask(query)));

  it('may give a series a pod, a single series or a scalar', async () => {
    expect(await values('sum by (namespace, pod) (app_queue{pod!=""})')).toEqual([
      ['shop', 'web-a', null, 7],
      ['shop', 'web-b', null, 5],
    ]);
    expect(await values('sum(app_queue)')).toEqual([['', null, null, 111]]);
    expect(await values('scalar(sum(app_queue))')).toEqual([['', null, null, 111]]);
    expect(await values('sum(nothing_of_this_name)')).toEqual([]);
  });

  it('may not give series that cannot be told apart, ranges or text', async () => {
    expect(failure(await ask('sum by (model) (app_queue)'))).toContain(
      'returns 3 series without a pod label',
    );
    expect(failure(await ask('app_queue[1m]'))).toContain('returns matrix');
    expect(failure(await ask('"text"'))).toContain('returns string');
    expect(failure(await ask('sum('))).toMatch(/HTTP 400 \(bad_data: .*parse error/);
  });

  it('sees its own namespace when confined', async () => {
    const confine = (value: string) => {
      const answer = confineQuery('sum(app_queue)', { label: 'namespace', value });
      return answer.ok ? answer.query : expect.fail(answer.why);
    };
    expect(await values(confine('shop'))).toEqual([['', null, null, 12]]);
    expect(await values(confine('other"} or app_queue{a="'))).toEqual([]);
  });
});

describe('when a target fails', () => {
  it('its series vanish, but for those that an exporter has stamped, which grow old', async () => {
    b.page = null;
    stamped.page = null;
    const pods = async (part: 'signal' | 'alive') => {
      const series = answered(await source.read({ profile: profile(), byModel: false, part }));
      return series.map(({ sample }) => sample.pod);
    };
    for (const part of ['signal', 'alive'] as const)
      await eventually(`only one pod is left (${part})`, async () =>
        (await pods(part)).join() === 'web-a' ? true : undefined,
      );
    const [left] = await read(profile(form('app_stamped')));
    expect(left?.sample).toMatchObject({ pod: 'gpu-a', value: 7 });
    expect(Date.now() - (left?.sample.at ?? NaN)).toBeGreaterThanOrEqual(40_000);
  });
});
