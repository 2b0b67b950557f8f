import { describe, expect, test } from 'vitest';
import { clusterLines, clusterSchema } from '../../src/cli/explain-cluster.js';

const warmNode = {
  p50: 35_000,
  p90: 40_000,
  parts: { schedule: 1000, image: 4000, start: 2000, model: 30_000 },
  samples: 9,
};
const coldNode = {
  p50: 240_000,
  p90: 300_000,
  parts: { schedule: 180_000, image: 40_000, start: 2000, model: 31_000 },
  samples: 1,
};
const node = { p50: 150_000, p90: 200_000, parts: { provision: 120_000, device: 40_000 }, samples: 3 };
const VIEW = {
  facts: {
    replicas: { current: 3, ready: 2, starting: 0, pending: 1 },
    waiting: [{ reason: 'unschedulable', pods: 1, detail: 'no room' }],
    tolerance: { up: 0.1, down: 0.1 },
    paused: false,
  },
  why: null,
  bounds: { minReplicas: 1, maxReplicas: 8, idleReplicas: 0 },
  leadTimes: { warmNode, coldNode },
  modelLoad: 25_000,
  leadTime: 300_000,
  leadTimeFrom: 'own-starts',
  gpus: [{ type: 'nvidia-l4', leadTimes: { warmNode, coldNode }, node }],
  share: { wanted: 5, granted: 2, why: 'wanted 5, 2 fit: pool a100 at its maximum of 1 node', note: null },
  cost: { perHour: 3, complete: true, currency: 'USD', alwaysOn: 12 },
  inferences: { perSecond: 50, moneyPerThousand: 3 / 180 },
};

const lines = (changes: Partial<Record<keyof typeof VIEW, unknown>> = {}) =>
  clusterLines(clusterSchema.parse({ ...VIEW, ...changes }));

test('all that the cluster says is in a few lines', () => {
  expect(lines()).toEqual([
    'cluster    3 asked for: 2 ready, 0 starting, 1 pending',
    '           1 unschedulable: no room',
    'bounds     1 to 8, 0 when idle; the HPA ignores changes within 10 %',
    'granted    2: wanted 5, 2 fit: pool a100 at its maximum of 1 node',
    'starts     on a warm node: p50 35 s, p90 40 s (9 starts)',
    '             mean: scheduling 1 s, image 4 s, containers 2 s, model 30 s, of it 25 s loading',
    '           on a new node: p50 4 min, p90 5 min (1 start)',
    '             mean: node 3 min, image 40 s, containers 2 s, model 31 s, of it 25 s loading',
    'new nodes  nvidia-l4: p50 3 min, p90 3 min (3 nodes); mean: there after 2 min, its GPUs after another 40 s',
    'lead time  5 min, the longest p90 of its own starts',
    'cost       3.00 USD/h, 12.00 with its most replicas always on',
    '           0.0167 USD for a thousand inferences, at 50 a second over 5 min',
  ]);
  expect(clusterLines(null)).toEqual([]);
});

describe('the lead time', () => {
  test('is said to be of the GPU type where there are too few starts of its own, or the trigger’s', () => {
    const none = { leadTimes: null, gpus: [{ type: 'nvidia-l4', leadTimes: VIEW.leadTimes, node: null }] };
    expect(lines({ ...none, leadTimeFrom: 'gpu-type' })).toContain(
      'lead time  5 min, the longest p90 of all starts on nvidia-l4: too few of its own have been seen',
    );
    expect(lines({ leadTimeFrom: 'trigger' })).toContain('lead time  5 min, as the trigger says');
  });

  test('has no line while it is not known', () => {
    const text = lines({ leadTimes: null, gpus: [], leadTime: null, leadTimeFrom: null }).join('\n');
    expect(text).not.toMatch(/lead time|starts|nodes {2}/);
  });
});

test('loading is never longer than the part of a start that it belongs to, nor named where it is not known', () => {
  expect(lines({ modelLoad: 90_000 }).join('\n')).toContain('model 30 s, of it 30 s loading');
  expect(lines({ modelLoad: null }).join('\n')).not.toContain('loading');
});

test('a workload that no node can hold is not capped, and why is said', () => {
  const note = 'pool l4: the node selector wants zone=a';
  expect(lines({ share: { wanted: 5, granted: 5, why: null, note } })).toContain(
    `           not capped by GPUs: ${note}`,
  );
});

describe('inferences', () => {
  test('that nobody made have no price', () => {
    expect(lines({ inferences: { perSecond: 0, moneyPerThousand: null } }).at(-1)).toBe(
      '           no inferences in the last 5 min',
    );
  });

  test('cost at least what is known of the cost', () => {
    const cost = { ...VIEW.cost, complete: false };
    expect(lines({ cost }).slice(-2)).toEqual([
      'cost       at least 3.00 USD/h, 12.00 with its most replicas always on',
      '           at least 0.0167 USD for a thousand inferences, at 50 a second over 5 min',
    ]);
  });

  test('have no line while they are not known', () => {
    expect(lines({ inferences: null }).at(-1)).toContain('cost');
  });
});

test('a cluster that is not known says why; what was learned stands', () => {
  const [first, ...rest] = lines({ facts: null, why: 'no cluster access to pods for 40 s' });
  expect(first).toBe('cluster    not known: no cluster access to pods for 40 s');
  expect(rest.join('\n')).toContain('p90 40 s (9 starts)');
});
