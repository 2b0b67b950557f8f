import { describe, expect, it } from 'vitest';
import { loadOf } from '../../../src/replay/load.js';
import type { ReplayPolicy } from '../../../src/replay/policy.js';
import { reportJson } from '../../../src/replay/report/json.js';
import type { ReplayReport } from '../../../src/replay/report/report.js';
import { reportText } from '../../../src/replay/report/text.js';
import {
  newTimeline,
  pageTimeline,
  timelineCsv,
  type Timeline,
} from '../../../src/replay/report/timeline.js';
import { simulate } from '../../../src/replay/run.js';
import type { Score } from '../../../src/replay/score.js';
import { SETUP } from '../pilotlight/scaled-objects.js';

const SCORE: Score = {
  nodeSeconds: 36_000,
  podSeconds: 30_000,
  requests: 10_000,
  inTime: 9_999,
  attainment: 0.9999,
  p50: 0,
  p95: 2,
  p99: 11,
  coldRequests: 3,
  wakeups: 1,
};
const REPORT: ReplayReport = {
  manifest: { file: 'chat.yaml', object: 'llm/chat', profiles: ['vllm-concurrency'] },
  load: { source: 'chat.csv', seconds: 172_800, requests: 12_000 },
  setup: { ...SETUP, scoreFrom: 86_400 },
  pricePerHour: 1.2,
  rows: [
    { name: 'llm/chat', kind: 'manifest', score: SCORE },
    {
      name: 'none',
      kind: 'baseline',
      score: {
        ...SCORE,
        nodeSeconds: 0,
        attainment: null,
        p50: null,
        p95: null,
        p99: Number.POSITIVE_INFINITY,
      },
    },
  ],
  bound: { nodeSeconds: 18_000, attainment: 0.99 },
  notes: ['a note'],
};

describe('the report', () => {
  it('is a table with the manifest first and the bound last', () => {
    expect(reportText(REPORT)).toBe(
      [
        'llm/chat (chat.yaml), by vllm-concurrency',
        'chat.csv: 2 days, 12000 requests, scored from 24 h on',
        'A replica serves 4 at once, 8 s each: 0.5 requests/s. At most 20 replicas.',
        'A node takes 180 s to come and goes after 600 s empty; a pod takes 60 s to load.',
        'In time: waited at most 10 s.',
        '',
        'POLICY    NODE-HOURS   COST  ÷ BOUND  IN TIME  P50  P95    P99  COLD  WAKE-UPS',
        'llm/chat        10.0  12.00     2.00  99.99 %  0 s  2 s   11 s     3         1',
        'none             0.0   0.00     0.00        -    -    -  never     3         1',
        'bound            5.0   6.00     1.00  99.00 %    -    -      -     -         -',
        '',
        'Note: a note',
      ].join('\n'),
    );
  });

  it('leaves out what nobody asked for', () => {
    const text = reportText({ ...REPORT, pricePerHour: null, bound: null, notes: [] });
    expect(text).not.toMatch(/COST|Note|^bound/m);
    expect(text).toMatch(/^llm\/chat {8}10\.0 {8}- /m);
  });

  it('never rounds a share up to all', () => {
    const rows = [{ name: 'a', kind: 'manifest' as const, score: { ...SCORE, attainment: 0.999999 } }];
    expect(reportText({ ...REPORT, rows })).toMatch(/ 99\.99 % /);
  });

  it('is JSON without figures that JSON has no word for', () => {
    const json = JSON.parse(JSON.stringify(reportJson(REPORT))) as Record<string, unknown>;
    expect(json).toMatchObject({
      policies: [
        {
          name: 'llm/chat',
          kind: 'manifest',
          nodeHours: 10,
          money: 12,
          costOverBound: 2,
          wait: { p50: 0, p99: 11 },
        },
        { name: 'none', attainment: null, wait: { p50: null, p99: null } },
      ],
      bound: { attainment: 0.99, nodeHours: 5, money: 6, costOverBound: 1 },
    });
  });
});

describe('the timeline', () => {
  const decision = (desired: number, reason: string, verdict: 'fresh' | 'blind' = 'fresh') => ({
    verdict,
    desired,
    reason,
  });

  /** Decides by the clock on two replicas: nothing at 0, then 2, then 2 again for another reason, then 1. */
  function told(): Timeline {
    const timeline = newTimeline(15);
    const policy: ReplayPolicy = {
      name: 'a',
      minReplicas: 2,
      every: 5,
      tick(t) {
        if (t === 0) timeline.decided(t, decision(0, 'nothing yet', 'blind'));
        if (t === 15) timeline.decided(t, decision(2, 'more, "much" more'));
        if (t === 20) timeline.decided(t, decision(2, 'the same'));
        if (t === 30) timeline.decided(t, decision(1, 'less'));
        return t < 30 ? 2 : 1;
      },
    };
    // Ten at once on 8 slots: 2 wait.
    const load = loadOf(Array<number>(40).fill(0).with(14, 10).with(15, 3));
    simulate(load, { ...SETUP, scrape: 15 }, policy, undefined, timeline.recording);
    return timeline;
  }

  it('has a row for each scrape and one for the end, with what stood at its second’s end', () => {
    expect(timelineCsv(told().rows)).toBe(
      [
        't,arrivals,queue,running,desired,ready,starting,nodes',
        '0,0,0,0,,2,0,2',
        '15,13,5,8,2,2,0,2',
        '30,0,0,0,1,1,0,2',
        '39,0,0,0,1,1,0,2',
        '',
      ].join('\n'),
    );
  });

  it('keeps the decisions that changed what was wanted, with their reasons', () => {
    expect(told().changes).toEqual([
      { t: 0, desired: null, reason: 'nothing yet' },
      { t: 15, desired: 2, reason: 'more, "much" more' },
      { t: 30, desired: 1, reason: 'less' },
    ]);
  });

  it('takes a baseline’s spec.replicas for what it wanted', () => {
    const timeline = newTimeline(15, false);
    const policy = { name: 'b', minReplicas: 1, every: 5, tick: (t: number) => (t < 20 ? 1 : 3) };
    simulate(loadOf([...Array<number>(40).fill(0)]), SETUP, policy, undefined, timeline.recording);
    expect(timeline.rows.map(({ desired, starting }) => [desired, starting])).toEqual([
      [1, 0],
      [1, 0],
      [3, 2],
      [3, 2],
    ]);
  });

  it('is columns for the page', () => {
    expect(pageTimeline('llm/chat', told())).toMatchObject({
      policy: 'llm/chat',
      t: Float64Array.of(0, 15, 30, 39),
      desired: [null, 2, 1, 1],
      paid: Float64Array.of(2, 32, 62, 80),
      wait: Float64Array.of(Number.NaN, 8, Number.NaN, Number.NaN),
    });
  });
});
