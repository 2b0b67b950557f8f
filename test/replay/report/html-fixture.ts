import type { PageTimeline } from '../../../src/replay/report/html-series.js';
import type { ReplayReport } from '../../../src/replay/report/report.js';
import type { Score } from '../../../src/replay/score.js';

export const SCORE: Score = {
  nodeSeconds: 7200,
  podSeconds: 7000,
  requests: 12_345,
  inTime: 12_300,
  attainment: 12_300 / 12_345,
  p50: 0,
  p95: 4,
  p99: 11,
  coldRequests: 7,
  wakeups: 2,
};

export function report(more: Partial<ReplayReport> = {}): ReplayReport {
  return {
    manifest: { file: 'scaledobject.yaml', object: 'shop/llm', profiles: ['vllm-concurrency'] },
    load: { source: 'load.csv', seconds: 3600, requests: 15_000 },
    setup: {
      slots: 4,
      serviceTime: 8,
      slo: 10,
      nodeProvision: 180,
      modelLoad: 60,
      nodeIdle: 600,
      gpusPerNode: 1,
      maxReplicas: 20,
      scrape: 15,
      lag: 15,
      scoreFrom: 900,
    },
    pricePerHour: 1.5,
    rows: [
      { name: 'shop/llm', kind: 'manifest', score: SCORE },
      {
        name: 'static-peak',
        kind: 'baseline',
        score: { ...SCORE, nodeSeconds: 10_800, attainment: 1, p99: 0 },
      },
      {
        name: 'keda-queue',
        kind: 'baseline',
        score: { ...SCORE, nodeSeconds: 3600, attainment: 0.5, p99: Infinity },
      },
    ],
    bound: { nodeSeconds: 3600, attainment: 0.99 },
    notes: [],
    ...more,
  };
}

/** An hour at two nodes, with a burst in the middle. */
export function timeline(policy: string, more: Partial<PageTimeline> = {}): PageTimeline {
  const t = Array.from({ length: 240 }, (_, index) => 14 + index * 15);
  const each = (value: (index: number) => number) => t.map((_, index) => value(index));
  return {
    policy,
    t,
    arrivals: each((index) => (index === 120 ? 150 : 30)),
    queue: each((index) => (index === 120 ? 80 : 0)),
    running: each(() => 8),
    desired: each(() => 2),
    ready: each(() => 2),
    starting: each(() => 0),
    nodes: each(() => 2),
    wait: each((index) => (index === 120 ? 22 : 1)),
    paid: t.map((at) => 2 * Math.max(0, at + 1 - 900)),
    ...more,
  };
}
