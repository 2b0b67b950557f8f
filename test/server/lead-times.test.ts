import { beforeEach, describe, expect, test } from 'vitest';
import { MINUTE, SECOND } from '../../src/core/time.js';
import type { Cluster, LeadTime, LeadTimes, NodeLeadTime, PodShape } from '../../src/ports/cluster.js';
import type { Node } from '../../src/ports/cluster-objects.js';
import { LearnedLeadTimes } from '../../src/server/lead-times.js';

const SHAPE: PodShape = {
  gpu: { resource: 'nvidia.com/gpu', perPod: 1 },
  requests: { 'nvidia.com/gpu': 1 },
  nodeSelector: {},
  tolerations: [],
  priorityClass: null,
  nodeAffinity: null,
};
const NODE_STARTS: NodeLeadTime = {
  p50: 100 * SECOND,
  p90: 150 * SECOND,
  parts: { provision: 90 * SECOND, device: 20 * SECOND },
  samples: 4,
};
const llm = { namespace: 'ns', name: 'llm' };

let now: number;
let own: LeadTimes | null;
let ofGpus: Record<string, LeadTimes>;
let shape: PodShape | null;
let nodes: Node[];
let asked: number;
let learned: LearnedLeadTimes;

beforeEach(() => {
  now = 0;
  own = null;
  ofGpus = {};
  shape = SHAPE;
  nodes = [node('l4-1', 'nvidia-l4', 2), node('t4-1', 'nvidia-tesla-t4', 1), node('cpu', null, 0)];
  asked = 0;
  learned = new LearnedLeadTimes(cluster as Cluster, { now: () => now });
});

const cluster: Pick<Cluster, 'facts' | 'leadTime' | 'leadTimeOfGpu' | 'nodeLeadTime' | 'nodes'> = {
  facts: () => {
    asked += 1;
    if (shape === null) return { kind: 'unknown', why: 'not listed', since: null };
    return { kind: 'known', facts: { shape } as never };
  },
  leadTime: () => own,
  leadTimeOfGpu: (type) => ofGpus[type] ?? null,
  nodeLeadTime: (type) => (type === 'nvidia-l4' ? NODE_STARTS : null),
  nodes: () => ({ kind: 'known', items: nodes, asOf: now }),
};

function node(name: string, type: string | null, gpus: number): Node {
  return {
    name,
    labels: type === null ? {} : { 'cloud.google.com/gke-accelerator': type },
    taints: gpus > 0 ? [{ key: 'nvidia.com/gpu', value: 'present', effect: 'NoSchedule' }] : [],
    unschedulable: false,
    ready: true,
    allocatable: gpus > 0 ? { 'nvidia.com/gpu': gpus } : { cpu: 8 },
    createdAt: 0,
  };
}

function times(warmSeconds: number, samples = 3, coldSeconds: number | null = null): LeadTimes {
  const time = (seconds: number): LeadTime => ({
    p50: seconds * SECOND,
    p90: seconds * SECOND,
    parts: { schedule: 0, image: 0, start: 0, model: seconds * SECOND },
    samples,
    at: 0,
  });
  return { warmNode: time(warmSeconds), coldNode: coldSeconds === null ? null : time(coldSeconds) };
}

describe('the lead time to decide with', () => {
  test('is the longest of its own, from three starts on', () => {
    ofGpus = { 'nvidia-l4': times(500) };
    own = times(40, 3, 240);
    expect(learned.of(llm)).toEqual({ leadTime: 240 * SECOND, from: 'own-starts' });
    expect(asked).toBe(0);
  });

  test('is the longest of the GPU types that it may run on, while there are fewer', () => {
    ofGpus = { 'nvidia-l4': times(50, 3, 300), 'nvidia-tesla-t4': times(60, 9, 400) };
    own = times(40, 2);
    expect(learned.of(llm)).toEqual({ leadTime: 400 * SECOND, from: 'gpu-type' });
  });

  test('is not that of a GPU type which its selector leaves out, which may have no node just now', () => {
    ofGpus = { 'nvidia-l4': times(50), 'nvidia-tesla-t4': times(60), 'nvidia-h100': times(70) };
    shape = { ...SHAPE, nodeSelector: { 'cloud.google.com/gke-accelerator': 'nvidia-l4' } };
    expect(learned.of(llm)?.leadTime).toBe(50 * SECOND);
    now += MINUTE;
    shape = { ...SHAPE, nodeSelector: { 'cloud.google.com/gke-accelerator': 'nvidia-h100' } };
    expect(learned.of(llm)?.leadTime).toBe(70 * SECOND);
  });

  test('is not known from a few starts, without GPUs, or while the pod template is not known', () => {
    ofGpus = { 'nvidia-l4': times(50, 2) };
    expect(learned.of(llm)).toBeNull();
    ofGpus = { 'nvidia-l4': times(50) };
    for (const unfit of [{ ...SHAPE, gpu: null }, null]) {
      now += MINUTE;
      shape = unfit;
      expect(learned.of(llm)).toBeNull();
    }
  });

  test('is looked for once a minute', () => {
    for (let tick = 0; tick < 12; tick += 1, now += 5 * SECOND) learned.of(llm);
    expect(asked).toBe(1);
    learned.of(llm);
    expect(asked).toBe(2);
  });
});

test('the GPU types are those of which something is known', () => {
  ofGpus = { 'nvidia-tesla-t4': times(60) };
  expect(learned.gpusOf(llm)).toEqual([
    { type: 'nvidia-l4', leadTimes: null, node: NODE_STARTS },
    { type: 'nvidia-tesla-t4', leadTimes: times(60), node: null },
  ]);
  nodes = [];
  now += MINUTE;
  expect(learned.gpusOf(llm)).toEqual([]);
});
