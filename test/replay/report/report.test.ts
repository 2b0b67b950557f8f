import { describe, expect, it } from 'vitest';
import type { Decision } from '../../../src/core/decision.js';
import { reportJson } from '../../../src/replay/report/json.js';
import type { ReplayReport } from '../../../src/replay/report/report.js';
import { reportText } from '../../../src/replay/report/text.js';
import { newTimeline, pageTimeline, timelineCsv } from '../../../src/replay/report/timeline.js';
import type { Score } from '../../../src/replay/score.js';
import { SETUP } from '../pilotlight/scaled-objects.js';
import { sampleOf } from '../pilotlight/samples.js';

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
  const decision = (desired: number, reason: string, verdict = 'fresh') =>
    ({ verdict, desired, reason }) as Decision;

  it('puts each sample beside the decision that stood when it was taken', () => {
    const timeline = newTimeline();
    const policy = timeline.watching({ name: 'a', minReplicas: 0, every: 5, tick: () => null });
    const show = (t: number, samples: readonly number[]) =>
      policy.tick(t, {
        current: 1,
        ready: 1,
        starting: 0,
        pending: 0,
        samples: samples.map((at) => sampleOf({ t: at, queue: at, util: at === 15 ? null : 0.25 })),
      });
    timeline.decided(0, decision(0, 'nothing yet', 'blind'));
    timeline.decided(5, decision(2, 'more, "much" more'));
    timeline.decided(20, decision(2, 'the same'));
    show(30, [0, 15]);
    timeline.decided(30, decision(1, 'less'));
    show(45, [30]);
    expect(timelineCsv(timeline.rows)).toBe(
      [
        't_seconds,arrivals,queue,running,ready,replicas,desired,util,duty,reason',
        '0,0,0,0,1,1,,0.25,0,"nothing yet"',
        '15,0,15,0,1,1,2,,0,"more, ""much"" more"',
        '30,0,30,0,1,1,1,0.25,0,"less"',
        '',
      ].join('\n'),
    );
    expect(pageTimeline('llm/chat', timeline.rows)).toMatchObject({
      policy: 'llm/chat',
      t: Float64Array.of(0, 15, 30),
      queue: Float64Array.of(0, 15, 30),
      desired: [null, 2, 1],
    });
  });
});
