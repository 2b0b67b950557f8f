import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  aliveAssembly,
  clusterAssembly,
  triggerAssembly,
  type Assembly,
} from '../../../src/signals/prometheus/assembly.js';
import { elementOf } from '../../../src/signals/prometheus/element.js';
import { pair, profile, T } from './support.js';

/** When the query was sent, on our clock: an hour ahead of Prometheus's. */
const ASKED = (T + 3600) * 1000;

function assembled(assembly: Assembly, elements: readonly unknown[]) {
  for (const element of elements) assembly.add(elementOf(element));
  return assembly.finish();
}

const cluster = (elements: readonly unknown[], byModel = false, of = profile()) =>
  assembled(clusterAssembly(of, byModel, ASKED), elements);

describe('a cluster query', () => {
  it('takes the age from one clock and the moment from the other', () => {
    const { series } = cluster(pair('a', '3', 40));
    expect(series).toEqual([
      { namespace: 'shop', service: null, model: null, sample: { pod: 'a', value: 3, at: ASKED - 40_000 } },
    ]);
  });

  it('gives each sample its own age, in whatever order the parts come', () => {
    const ages = fc.array(fc.integer({ min: 0, max: 3600 }), { minLength: 1, maxLength: 30 });
    const shuffled = ages.chain((list) =>
      fc.tuple(
        fc.constant(list),
        fc.shuffledSubarray(
          list.flatMap((age, i) => pair(`p${i}`, `${i}`, age)),
          { minLength: 2 * list.length },
        ),
      ),
    );
    fc.assert(
      fc.property(shuffled, ([list, elements]) => {
        const { series } = cluster(elements);
        expect(series).toHaveLength(list.length);
        for (const { sample } of series) expect(sample.at).toBe(ASKED - 1000 * list[sample.value]!);
      }),
    );
  });

  it('counts a sample from the future as new', () => {
    expect(cluster(pair('a', '3', -600)).series[0]?.sample.at).toBe(ASKED);
  });

  it('carries the weight where there is one', () => {
    const weight = { metric: { namespace: 'shop', pilotlight: 'weight', pod: 'a' }, value: [T, '12.5'] };
    const { series } = cluster([weight, ...pair('a', '3'), ...pair('b', '4')]);
    expect(series.map(({ sample }) => sample.weight)).toEqual([12.5, undefined]);
    expect(Object.keys(series[1]?.sample ?? {})).not.toContain('weight');
  });

  it('drops and counts values whose time is missing or no number, and keeps quiet about times without values', () => {
    const [value, at] = pair('a', '3');
    const odd = { metric: { namespace: 'shop', pilotlight: 'at', pod: 'b' }, value: [T, 'NaN'] };
    expect(cluster([value])).toEqual({ series: [], dropped: { withoutTime: 1, withoutOwner: 0 } });
    expect(cluster([at])).toEqual({ series: [], dropped: { withoutTime: 0, withoutOwner: 0 } });
    expect(cluster([pair('b', '1')[0], odd]).dropped.withoutTime).toBe(1);
  });

  it('drops and counts values that name no pod or namespace', () => {
    const lost = pair('', '3').concat(pair('a', '3', 1, { namespace: '' }));
    expect(cluster(lost)).toEqual({ series: [], dropped: { withoutTime: 0, withoutOwner: 2 } });
  });

  it('passes on what is no sound number: judging it is not the source’s work', () => {
    const values = ['NaN', '+Inf', '-Inf', '-3', '1e-7'].flatMap((value, i) => pair(`p${i}`, value));
    expect(cluster(values).series.map(({ sample }) => sample.value)).toEqual([
      NaN,
      Infinity,
      -Infinity,
      -3,
      1e-7,
    ]);
  });

  it('keeps both of two values with the same labels, at the older of their times', () => {
    const { series } = cluster([...pair('a', '3', 10), ...pair('a', '5', 30)]);
    expect(series.map(({ sample: { value, at } }) => [value, at])).toEqual([
      [3, ASKED - 30_000],
      [5, ASKED - 30_000],
    ]);
  });

  it('matches parts by all their labels but the name, which times do not keep', () => {
    const [value] = pair('a', '3', 10, { __name__: 'app_queue', gpu: '0' });
    const [, at] = pair('a', '3', 10, { gpu: '0' });
    const [, other] = pair('a', '3', 99, { gpu: '1' });
    expect(cluster([value, at, other]).series.map(({ sample }) => sample.at)).toEqual([ASKED - 10_000]);
  });

  it('tells models apart when asked by model, and only then', () => {
    const elements = [...pair('a', '3', 1, { model: 'x' }), ...pair('b', '4')];
    expect(cluster(elements, true).series.map(({ model }) => model)).toEqual(['x', null]);
    expect(cluster(elements, false).series.map(({ model }) => model)).toEqual([null, null]);
  });

  it('reads the service for series that belong to no pod', () => {
    const gateway = profile({ series: 'service' });
    const { series } = cluster(pair('', '7', 1, { service: 'api' }), false, gateway);
    expect(series).toMatchObject([{ namespace: 'shop', service: 'api', sample: { pod: null, value: 7 } }]);
  });

  it('refuses an answer without the label that tells the parts apart', () => {
    const element = { metric: { namespace: 'shop', pod: 'a' }, value: [T, '1'] };
    expect(() => cluster([element])).toThrow(/lacks the label pilotlight/);
  });
});

it('reads pods that are up, with the age of the proof', () => {
  const up = (pod: string, at: string) => ({ metric: { namespace: 'shop', pod }, value: [T, at] });
  const { series, dropped } = assembled(aliveAssembly(ASKED), [
    up('a', `${T - 12}`),
    up('b', 'NaN'),
    up('', `${T}`),
  ]);
  expect(series).toEqual([
    { namespace: 'shop', service: null, model: null, sample: { pod: 'a', value: 1, at: ASKED - 12_000 } },
  ]);
  expect(dropped).toEqual({ withoutTime: 1, withoutOwner: 1 });
});

describe('a query from the trigger', () => {
  const trigger = (elements: readonly unknown[]) => assembled(triggerAssembly(ASKED), elements).series;
  const series = (labels: Record<string, string>, value = '2') => ({ metric: labels, value: [T, value] });

  it('takes one series a pod, now', () => {
    expect(trigger([series({ namespace: 'shop', pod: 'a', zone: 'z' }), series({ pod: 'b' })])).toEqual([
      { namespace: 'shop', service: null, model: null, sample: { pod: 'a', value: 2, at: ASKED } },
      { namespace: '', service: null, model: null, sample: { pod: 'b', value: 2, at: ASKED } },
    ]);
  });

  it('takes a single series without a pod for the workload as a whole', () => {
    expect(trigger([series({ queue: 'jobs', namespace: 'theirs' })])).toEqual([
      { namespace: '', service: null, model: null, sample: { pod: null, value: 2, at: ASKED } },
    ]);
    expect(trigger([])).toEqual([]);
  });

  it('refuses several series that it cannot tell apart', () => {
    const mixed = [series({ pod: 'a' }), series({ zone: 'x' }), series({ zone: 'y' })];
    expect(() => trigger(mixed)).toThrow(
      '2 series without a pod label; aggregate with sum(...) or keep the pod label',
    );
  });

  it('refuses more series than a workload has pods', () => {
    const all = Array.from({ length: 10_001 }, (_, i) => series({ pod: `p${i}` }));
    expect(() => trigger(all)).toThrow(/more than 10000 series/);
  });
});
