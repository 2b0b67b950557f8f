import { beforeEach, describe, expect, test } from 'vitest';
import { parseCapacityConfig } from '../../src/policy/capacity-config.js';
import type { Cluster } from '../../src/ports/cluster.js';
import type { WorkloadCost } from '../../src/ports/cluster-desk.js';
import { NO_CLUSTER, type ServerCluster } from '../../src/server/cluster.js';
import { clusterDesk, hasPrices } from '../../src/server/cluster-desk.js';
import { clusterViews } from '../../src/server/cluster-view.js';
import type { GpuShares } from '../../src/server/gpu-shares.js';
import { LearnedLeadTimes } from '../../src/server/lead-times.js';
import { loadProfiles } from '../../src/server/profiles-folder.js';
import { Registry } from '../../src/server/registry.js';
import { viewsOf } from '../../src/server/views.js';
import type { Workload } from '../../src/server/workload.js';

const nothing = { prometheus: () => null, queue: () => null, query: () => ({ why: 'none here' }) };
const clock = { now: () => 0 };

let registry: Registry;
let cost: WorkloadCost | null;
let perSecond: number | null;
let facts: number;
let views: ReturnType<typeof clusterViews>;
const pods = { perSecondOf: () => perSecond, modelLoadOf: () => null };

const cluster: Pick<Cluster, 'facts' | 'leadTime' | 'leadTimeOfGpu' | 'nodeLeadTime' | 'nodes'> = {
  facts: () => {
    facts += 1;
    return { kind: 'unknown', why: 'not listed', since: null };
  },
  leadTime: () => null,
  leadTimeOfGpu: () => null,
  nodeLeadTime: () => null,
  nodes: () => ({ kind: 'unknown', why: 'not listed', since: null }),
};

beforeEach(() => {
  registry = new Registry(loadProfiles(undefined), nothing, clock);
  cost = { perHour: 0.54, complete: true, currency: 'USD', alwaysOn: null };
  perSecond = 50;
  facts = 0;
  views = clusterViews({
    cluster: cluster as Cluster,
    shares: { costOf: () => cost, shareOf: () => null } as Partial<GpuShares> as GpuShares,
    leadTimes: new LearnedLeadTimes(cluster as Cluster, clock),
    boundsOf: () => ({ minReplicas: 0, maxReplicas: 8, idleReplicas: null }),
  });
});

function workload(metadata: Record<string, string> = {}): Workload {
  const ref = { namespace: 'ns', name: 'llm', metadata: { profile: 'triton-pending', ...metadata } };
  const found = registry.find(ref);
  if ('kind' in found) throw new Error(found.kind);
  return found;
}

const inferences = () => views.describe(workload(), pods)?.inferences;

describe('a thousand inferences', () => {
  test('cost the money of an hour by the inferences of an hour', () => {
    expect(inferences()).toEqual({ perSecond: 50, moneyPerThousand: expect.closeTo(0.003, 9) as number });
  });

  test('have no price where none are made, and none that is 0', () => {
    perSecond = 0;
    expect(inferences()).toEqual({ perSecond: 0, moneyPerThousand: null });
    perSecond = 50;
    cost = { perHour: 0, complete: false, currency: 'USD', alwaysOn: null };
    expect(inferences()).toEqual({ perSecond: 50, moneyPerThousand: null });
    cost = null;
    expect(inferences()).toEqual({ perSecond: 50, moneyPerThousand: null });
  });

  test('are not known, which is not none, while nobody says how many there are', () => {
    perSecond = null;
    expect(inferences()).toBeNull();
  });
});

test('a lead time that the trigger names is the one that decisions take', () => {
  expect(views.describe(workload({ leadTime: '4m' }), pods)).toMatchObject({
    leadTime: 240_000,
    leadTimeFrom: 'trigger',
  });
  expect(views.describe(workload(), pods)).toMatchObject({ leadTime: null, leadTimeFrom: null });
});

describe('what is shown of many', () => {
  test('is one row for a ScaledObject, whatever its triggers', () => {
    workload({ target: '1' });
    workload({ target: '2' });
    const access: ServerCluster = { ...NO_CLUSTER, ...views };
    expect([...clusterDesk(access, registry, pods).scaledObjects()]).toMatchObject([
      { namespace: 'ns', name: 'llm', waiting: [], cost: { perHour: 0.54 } },
    ]);
    expect([...clusterDesk(NO_CLUSTER, registry, pods).scaledObjects()]).toEqual([]);
  });

  test('does not ask the cluster about each where nobody looks at that', () => {
    workload();
    const shown = viewsOf(registry, (each) => views.describe(each, pods));
    expect(shown.all()).toHaveLength(1);
    expect(facts).toBe(0);
    expect(shown.named('ns', 'llm')).toMatchObject([{ cluster: { why: 'not listed' } }]);
  });
});

test('there are prices where a pool or a GPU has one', () => {
  const pool = { name: 'l4', match: { pool: 'l4' } };
  const given = (values: object) => hasPrices(parseCapacityConfig(values, 'the test'));
  expect([given({ pools: [pool] }), hasPrices(undefined)]).toEqual([false, false]);
  expect([given({ pools: [{ ...pool, price: 2 }] }), given({ prices: { 'Tesla-T4': 0.35 } })]).toEqual([
    true,
    true,
  ]);
});
