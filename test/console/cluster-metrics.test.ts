import { describe, expect, test } from 'vitest';
import { createClusterMetrics } from '../../src/console/cluster-metrics.js';
import type { WatchHealth, WatchStatus } from '../../src/ports/cluster.js';
import type { ClusterDesk, ScaledObjectFigures } from '../../src/ports/cluster-desk.js';

const NOW = 1_000_000;
const NOTHING: ClusterDesk = {
  health: () => null,
  features: () => [],
  shares: () => [],
  money: () => null,
  budgets: () => [],
  scaledObjects: () => [],
};
const FIGURES: ScaledObjectFigures = {
  namespace: 'ns',
  name: 'llm',
  waiting: [],
  leadTimes: null,
  cost: { perHour: 3, complete: true, currency: 'USD', alwaysOn: 12 },
  inferences: { perSecond: 50, moneyPerThousand: 3 / 180 },
};

/** Lines that are no comment. */
async function series(desk: Partial<ClusterDesk>): Promise<string[]> {
  const text = await createClusterMetrics({ ...NOTHING, ...desk }, { now: () => NOW }).render();
  return text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
}

const of = (figures: Partial<ScaledObjectFigures>) =>
  series({ scaledObjects: () => [{ ...FIGURES, ...figures }] });

function watch(health: WatchHealth, needed = true): WatchStatus {
  return { resource: 'pods', namespace: null, health, objects: 0, unreadable: 0, needed };
}

test('there is no series of what is not known', async () => {
  expect(await series({})).toEqual([]);
  expect(await of({ cost: null, inferences: null })).toEqual([]);
});

describe('how old the view of the cluster is', () => {
  const stale = (seconds: number): WatchHealth => ({
    kind: 'stale',
    since: NOW - 1000 * seconds,
    why: 'connection refused',
  });

  test('is 0 seconds while all is current, whatever is not needed', async () => {
    const watches = [watch({ kind: 'current' }), watch(stale(90), false)];
    expect(await series({ health: () => ({ kind: 'current', why: null, watches }) })).toContain(
      'pilotlight_cluster_stale_seconds 0',
    );
  });

  test('is that of the watch which has been silent for longest', async () => {
    const starting: WatchHealth = { kind: 'starting', since: NOW - 5000, why: null };
    const watches = [watch(stale(40)), watch(stale(65)), watch(starting)];
    const lines = await series({ health: () => ({ kind: 'stale', why: 'no access', watches }) });
    expect(lines).toContain('pilotlight_cluster_stale_seconds 65');
    expect(lines).toContain('pilotlight_cluster_current 0');
  });
});

describe('a ScaledObject', () => {
  const labels = 'namespace="ns",scaledobject="llm"';

  test('costs money now, always on, and for a thousand inferences', async () => {
    expect(await of({})).toEqual([
      `pilotlight_workload_money_per_hour{${labels},currency="USD"} 3`,
      `pilotlight_workload_always_on_money_per_hour{${labels},currency="USD"} 12`,
      `pilotlight_money_per_thousand_inferences{${labels},currency="USD"} ${3 / 180}`,
    ]);
  });

  test('has no price for a thousand inferences where none are made, or part of the cost is not known', async () => {
    const none = await of({ inferences: { perSecond: 0, moneyPerThousand: null } });
    const partly = await of({ cost: { perHour: 3, complete: false, currency: 'USD', alwaysOn: null } });
    expect([none, partly].flat().join('\n')).not.toContain('thousand');
  });

  test('shows how long its starts take, and what its replicas wait for', async () => {
    const parts = { schedule: 1000, image: 4000, start: 2000, model: 30_000 };
    const warmNode = { p50: 35_000, p90: 40_500, parts, samples: 9, at: NOW };
    const lines = await of({
      cost: null,
      leadTimes: { warmNode, coldNode: null },
      waiting: [{ reason: 'unschedulable', pods: 2, detail: 'a "detail" is no label' }],
    });
    expect(lines).toEqual([
      `pilotlight_waiting_replicas{${labels},reason="unschedulable"} 2`,
      `pilotlight_start_seconds{${labels},node="warm",quantile="0.5"} 35`,
      `pilotlight_start_seconds{${labels},node="warm",quantile="0.9"} 40.5`,
    ]);
  });
});

test('a feature that lacks a right is 0', async () => {
  const features = [
    { feature: 'events', why: null },
    { feature: 'placeholders', why: 'a Role in namespace pilotlight lacks a rule' },
  ];
  expect(await series({ features: () => features })).toEqual([
    'pilotlight_cluster_feature_allowed{feature="events"} 1',
    'pilotlight_cluster_feature_allowed{feature="placeholders"} 0',
  ]);
});

test('a budget stands beside what it cuts', async () => {
  const budgets = [{ namespace: 'ns', currency: 'USD', budget: 40, perHour: 39, cut: 3 }];
  expect(await series({ budgets: () => budgets })).toEqual([
    'pilotlight_budget_money_per_hour{namespace="ns",currency="USD"} 40',
    'pilotlight_budget_cut_replicas{namespace="ns"} 3',
  ]);
});

test('a currency may be written in any way', async () => {
  const cost = { perHour: 3, complete: true, currency: 'a "\\"\n', alwaysOn: null };
  expect((await of({ cost, inferences: null }))[0]).toContain(String.raw`currency="a \"\\\"\n"} 3`);
});
