import { expect, test } from 'vitest';
import { ModelLoads } from '../../src/server/model-load.js';

const sample = (pod: string, value: number) => ({ pod, value, at: 0 });

test('loading takes as long as the longest model of a pod, in the mean of the pods', () => {
  const loads = new ModelLoads();
  loads.note('ns/llm', [sample('a', 38), sample('a', 5), sample('b', 42)]);
  expect(loads.of('ns/llm')).toBe(40_000);
});

test('what says nothing, or 0, is not known and changes nothing', () => {
  const loads = new ModelLoads();
  loads.note('ns/llm', [sample('a', 0), sample('b', Number.NaN)]);
  expect(loads.of('ns/llm')).toBeNull();
  loads.note('ns/llm', [sample('a', 0), sample('b', 38)]);
  loads.note('ns/llm', []);
  expect(loads.of('ns/llm')).toBe(38_000);
  loads.keep(new Set(['ns/other']));
  expect(loads.of('ns/llm')).toBeNull();
});
