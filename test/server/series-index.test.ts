import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { MetricSeries } from '../../src/ports/metric-source.js';
import type { ScaleTarget } from '../../src/ports/workloads.js';
import { indexSeries, ownersOf } from '../../src/server/series-index.js';

/** Without the vowels and the digits that Kubernetes leaves out (apimachinery, rand.SafeEncodeString). */
const SAFE = 'bcdfghjklmnpqrstvwxz2456789';
const random = (length: number) =>
  fc.string({ unit: fc.constantFrom(...SAFE.split('')), minLength: length, maxLength: length });
const word = fc.string({ unit: fc.constantFrom(...'abcz09'.split('')), minLength: 1, maxLength: 12 });
const deploymentName = fc
  .array(word, { minLength: 1, maxLength: 8 })
  .map((words) => words.join('-'))
  .filter((name) => name.length <= 56);

/** As the API server makes up a name from `generateName`. */
function generated(base: string, suffix: string): string {
  return base.slice(0, 58) + suffix;
}

describe('whose a pod is, by its name', () => {
  test('a deployment’s, however long its name', () => {
    fc.assert(
      fc.property(
        deploymentName,
        fc.integer({ min: 8, max: 10 }).chain(random),
        random(5),
        (name, hash, id) => {
          expect(ownersOf('shop', generated(`${name}-${hash}-`, id))).toContain(`deployment/shop/${name}`);
        },
      ),
    );
  });

  test('a stateful set’s', () => {
    fc.assert(
      fc.property(deploymentName, fc.nat(999), (name, ordinal) => {
        expect(ownersOf('shop', `${name}-${ordinal}`)).toContain(`statefulset/shop/${name}`);
      }),
    );
  });

  test.each([
    ['llama-7b-6d5f9c7b8-x2zvw', ['deployment/shop/llama-7b']],
    [`${'long-'.repeat(9)}model-6d5f9c7x2zvw`, [`deployment/shop/${'long-'.repeat(9)}model`]],
    ['llama-0', ['statefulset/shop/llama']],
    ['llama', []],
    ['llama-6d5f9c7b8', []],
    ['-6d5f9c7b8-x2zvw', []],
  ])('%s', (pod, owners) => {
    expect(ownersOf('shop', pod)).toEqual(owners);
  });
});

describe('an answer for everybody', () => {
  const series = (
    namespace: string,
    pod: string | null,
    value: number,
    more: Partial<MetricSeries> = {},
  ) => ({
    namespace,
    service: null,
    model: null,
    sample: { pod, value, at: 0 },
    ...more,
  });
  const target = (namespace: string, name: string): ScaleTarget => ({ namespace, kind: 'deployment', name });
  const values = (samples: readonly { readonly value: number }[]) => samples.map(({ value }) => value);

  test('is divided by namespace and owner: a name that begins alike is another’s', async () => {
    const index = await indexSeries([
      series('shop', 'llama-6d5f9c7b8-aaaaa', 1),
      series('shop', 'llama-6d5f9c7b8-bbbbb', 2),
      series('shop', 'llama-7b-6d5f9c7b8-aaaaa', 4),
      series('other', 'llama-6d5f9c7b8-aaaaa', 8),
    ]);
    expect(values(index.pods(target('shop', 'llama'), null))).toEqual([1, 2]);
    expect(values(index.pods(target('shop', 'llama-7b'), null))).toEqual([4]);
    expect(values(index.pods(target('other', 'llama'), null))).toEqual([8]);
    expect(values(index.pods(target('shop', 'nobody'), null))).toEqual([]);
    expect(index.exists).toBe(true);
  });

  test('by model, and by Service', async () => {
    const index = await indexSeries([
      series('shop', 'llama-6d5f9c7b8-aaaaa', 1, { model: 'a' }),
      series('shop', 'llama-6d5f9c7b8-aaaaa', 2, { model: 'b' }),
      series('shop', null, 4, { service: 'llama' }),
      series('other', null, 8, { service: 'llama' }),
    ]);
    expect(values(index.pods(target('shop', 'llama'), 'b'))).toEqual([2]);
    expect(values(index.pods(target('shop', 'llama'), null))).toEqual([1, 2]);
    expect(values(index.service('shop', 'llama'))).toEqual([4]);
  });

  test('of many series lets others have their turn', async () => {
    const all = Array.from({ length: 20_000 }, (_, index) =>
      series('shop', `m-6d5f9c7b8-${10_000 + index}`, 1),
    );
    let turns = 0;
    const timer = setInterval(() => (turns += 1), 0);
    const index = await indexSeries(all);
    clearInterval(timer);
    expect(index.pods(target('shop', 'm'), null)).toHaveLength(20_000);
    expect(turns).toBeGreaterThan(0);
  });

  test('that is empty says that the metric is nobody’s', async () => {
    expect((await indexSeries([])).exists).toBe(false);
  });
});
