import { describe, expect, test } from 'vitest';
import { CapacityConfigError, parseCapacityConfig } from '../../src/policy/capacity-config.js';
import { parseQuantity } from '../../src/policy/quantity.js';

function faultsOf(values: unknown): string[] {
  try {
    parseCapacityConfig(values, 'pilotlight.yaml: gpu');
    return [];
  } catch (error) {
    if (!(error instanceof CapacityConfigError)) throw error;
    return error.message.split('\n');
  }
}

describe('the configuration of capacity', () => {
  test('needs nothing, and then caps nothing', () => {
    expect(parseCapacityConfig(undefined, '')).toMatchObject({
      pools: [],
      budgets: {},
      exactMinimum: false,
      deletionCost: false,
      placeholders: { enabled: false, namespace: 'pilotlight', buffer: null },
    });
  });

  test('reads pools, prices, budgets and the memory of replicas', () => {
    const config = parseCapacityConfig(
      {
        pools: [
          {
            name: 'a100',
            match: { 'cloud.google.com/gke-nodepool': 'a100' },
            maxNodes: 4,
            node: { resources: { 'nvidia.com/gpu': 8, cpu: '96', memory: '1360Gi' } },
            gpuMemory: '40Gi',
            price: 29.4,
            placeholders: 2,
          },
        ],
        placeholders: { enabled: true },
        replicaMemory: { 'team-a/bert': '4Gi' },
        prices: { 'Tesla-T4': 0.35 },
        budgets: { 'team-a': 20 },
        guaranteed: { 'team-a/bert': 1 },
      },
      '',
    );
    expect(config.pools[0]).toMatchObject({
      node: { resources: { 'nvidia.com/gpu': 8, cpu: 96, memory: 1360 * 2 ** 30 }, labels: {}, taints: [] },
      gpuMemory: 40 * 2 ** 30,
    });
    expect(config.replicaMemory).toEqual({ 'team-a/bert': 4 * 2 ** 30 });
  });

  test('says what to write where YAML took a number for one, or where a map is missing', () => {
    const pools = [{ name: 'a100', match: { x: 1, y: true }, node: {} }];
    expect(faultsOf({ pools, currency: 'US dollars' })).toEqual([
      'pilotlight.yaml: gpu: pools[0].match.x: got 1, expected text of at most 63 characters; in quotes: "1"',
      'pilotlight.yaml: gpu: pools[0].match.y: got true, expected text of at most 63 characters; in quotes: "true"',
      'pilotlight.yaml: gpu: pools[0].node.resources: got nothing, expected a map such as {nvidia.com/gpu: 8}',
      'pilotlight.yaml: gpu: currency: got "US dollars", expected 1 to 8 characters such as USD',
    ]);
  });

  test('says of every fault where it is, what it was and what was expected', () => {
    const faults = faultsOf({
      pools: [
        { name: 'a100', match: {}, maxNodes: -1, gpuMemory: 'lots', maxNode: 3 },
        { match: { a: 'b' }, node: { resources: { cpu: 'x' } } },
      ],
      replicaMemory: { bert: '4Gi' },
      budgets: { 'team-a': -5 },
      bugdets: {},
      placeholders: { buffer: 'v2' },
    });
    expect(faults.toSorted()).toEqual(
      [
        'pilotlight.yaml: gpu: no such key "bugdets"; did you mean budgets?',
        'pilotlight.yaml: gpu: budgets.team-a: got -5, expected an amount of money, 0 or more',
        'pilotlight.yaml: gpu: placeholders.buffer: got "v2", expected autoscaling.x-k8s.io/v1alpha1, /v1beta1 or /v1',
        'pilotlight.yaml: gpu: pools[0].gpuMemory: got "lots", expected a quantity such as 8, 500m, 4Gi or 40G',
        'pilotlight.yaml: gpu: pools[0].match: got {}, expected at least one label that its nodes have, such as {cloud.google.com/gke-nodepool: a100}',
        'pilotlight.yaml: gpu: pools[0].maxNodes: got -1, expected a whole number from 0 to 15000',
        'pilotlight.yaml: gpu: pools[0]: no such key "maxNode"; did you mean maxNodes?',
        'pilotlight.yaml: gpu: pools[1].name: got nothing, expected letters, digits, dots, slashes and dashes, at most 128',
        'pilotlight.yaml: gpu: pools[1].node.resources.cpu: got "x", expected a quantity such as 8, 500m, 4Gi or 40G',
        'pilotlight.yaml: gpu: replicaMemory.bert: got the key "bert", expected NAMESPACE/NAME of a ScaledObject',
      ].toSorted(),
    );
  });

  test('names the namespaces of tier 1, or all of them by naming none', () => {
    expect(parseCapacityConfig({}, '').tierOne).toBeNull();
    expect(parseCapacityConfig({ tierOne: ['team-a'] }, '').tierOne).toEqual(['team-a']);
    expect(parseCapacityConfig({ tierOne: [] }, '').tierOne).toEqual([]);
    expect(faultsOf({ tierOne: 'team-a' })).toEqual([
      'pilotlight.yaml: gpu: tierOne: got "team-a", expected a list of namespaces',
    ]);
    expect(faultsOf({ tierOne: ['team-a', 'team-b/bert'] })).toEqual([
      'pilotlight.yaml: gpu: tierOne[1]: got "team-b/bert", expected a namespace such as team-a',
    ]);
  });

  test('has each pool once, and is an object', () => {
    const pool = { name: 'a', match: { a: 'b' } };
    expect(faultsOf({ pools: [pool, pool] })).toEqual([
      'pilotlight.yaml: gpu: pools: a is there twice, expected each name once',
    ]);
    expect(faultsOf([])[0]).toMatch(/^pilotlight\.yaml: gpu: got \[\], expected an object with pools, /);
    expect(faultsOf({ pools: 'a100' })).toEqual([
      'pilotlight.yaml: gpu: pools: got "a100", expected a list of at most 200 pools',
    ]);
  });
});

test.each([
  ['8', 8],
  ['500m', 0.5],
  ['4Gi', 4294967296],
  ['40G', 4e10],
  ['1e3', 1000],
  ['.5', 0.5],
  ['-1', -1],
])('the quantity %s is %d', (text, value) => {
  expect(parseQuantity(text)).toBe(value);
});

test.each(['', 'Gi', '4 Gi', '4gi', '0x10', '1e3Gi', 'NaN', '1e400'])('%j is no quantity', (text) => {
  expect(parseQuantity(text)).toBeNull();
});

describe('placeholders', () => {
  const pools = [{ name: 'a100', match: { pool: 'a100' } }];

  test('that no pool may have are no placeholders', () => {
    expect(faultsOf({ pools, placeholders: { enabled: true } })).toEqual([
      'pilotlight.yaml: gpu: placeholders.enabled: got true, expected a pool with placeholders: the most that there may be in it, such as 4',
    ]);
  });

  test('of a pool need them to be switched on', () => {
    expect(faultsOf({ pools: [{ ...pools[0], placeholders: 2 }] })).toEqual([
      'pilotlight.yaml: gpu: pools[0].placeholders: has no effect, expected placeholders.enabled: true beside it',
    ]);
  });
});
