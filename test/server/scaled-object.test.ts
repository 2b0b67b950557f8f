import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Decision } from '../../src/core/decision.js';
import type { Cluster } from '../../src/ports/cluster.js';
import type { DecisionLog } from '../../src/ports/decision-log.js';
import type { TriggerRef } from '../../src/ports/decisions.js';
import { redecider } from '../../src/replay/pilotlight/log.js';
import { openDecisionLog } from '../../src/server/decision-log-file.js';
import { ApiServer } from '../support/api-server.js';
import { deployment, openOn, pod, scaledObject } from '../support/cluster-under-test.js';
import { eventually, temporaryFolder } from '../support/processes.js';
import { podOf, servePrometheusApi, vectorOf, type PrometheusApi } from '../support/prometheus-api.js';
import { serveHere } from '../support/running-server.js';
import { stepByHand, type SteppedScaler } from '../support/stepped-scaler.js';

/** A trigger that repeats nothing of its ScaledObject, beside an API server that knows it. */

const REF: TriggerRef = {
  namespace: 'ns',
  name: 'llm',
  metadata: { profile: 'triton-pending', target: '10' },
};

let api: ApiServer;
let prometheus: PrometheusApi;
let cluster: Cluster;
let server: SteppedScaler;
let log: DecisionLog;
let logFile: string;
/** What each pod has waiting; pods of others are in the answer too, as in life. */
let waiting: Record<string, number>;

beforeEach(async () => {
  waiting = {};
  api = await ApiServer.start();
  prometheus = await servePrometheusApi((promql, response) => {
    const series = Object.entries(waiting).map(([name, value]) => ({
      labels: { namespace: 'ns', pod: name },
      value,
    }));
    response.end(vectorOf(promql.includes('offset') ? [] : series));
  });
  logFile = join(await temporaryFolder('scaled-object'), 'decisions.jsonl');
  log = openDecisionLog(logFile, (why) => {
    throw new Error(why);
  });
});

afterEach(async () => {
  await server.stop();
  await cluster.close();
  await prometheus.stop();
  await api.stop();
  expect(api.refused).toEqual([]);
  // Whatever was decided is decided again byte for byte.
  await log.close();
  const decideAgain = redecider();
  const lines = (await readFile(logFile, 'utf8')).trimEnd().split('\n');
  expect(lines.map(decideAgain).filter((difference) => difference !== null)).toEqual([]);
});

/** The cluster and the scaler, once the API server has what it is to have. */
async function start(startWithin?: number): Promise<void> {
  ({ cluster } = await openOn(api, startWithin === undefined ? {} : { startWithin }));
  server = await stepByHand({ prometheus: prometheus.url }, { cluster, log });
}

/** As decided by a round that sees what is there now; what is blind is refused, and decided all the same. */
async function decided(ref = REF): Promise<Decision> {
  await server.keda.isActive(ref).catch(() => undefined);
  await server.scaler.tick();
  const [workload] = server.registry.named(ref.namespace, ref.name);
  return workload!.decision!;
}

/** Whether the cluster has heard of it. */
function heard(what: string, holds: () => boolean): Promise<true> {
  return eventually(what, async () => (holds() ? true : undefined));
}

const known = () => cluster.scaledObject('ns', 'llm');

function putDeployment(ready: number): void {
  api.put('deployments', deployment('llm', ready));
  for (let index = 0; index < ready; index += 1)
    api.put('pods', pod('llm', `${index}`, { node: 'n', started: 5, ready: 30 }));
}

describe('bounds', () => {
  test('are those of the ScaledObject, in the answers to KEDA too', async () => {
    api.put('scaledobjects', scaledObject('llm', { minReplicaCount: 2, maxReplicaCount: 5 }));
    putDeployment(2);
    await start();
    waiting = { [podOf('llm')]: 0, [podOf('llm', 1)]: 0 };
    expect((await decided()).stages.at(-1)?.why).toBe('minReplicaCount 2 of the ScaledObject');
    expect(await server.keda.isActive(REF)).toBe(true);
    waiting = { [podOf('llm')]: 500, [podOf('llm', 1)]: 500 };
    expect((await decided()).reason).toContain('capped at maxReplicaCount 5 of the ScaledObject, wanted 100');
    expect(await server.keda.metrics(REF, 'pilotlight-replicas')).toMatchObject([{ metricValueFloat: 5 }]);
  });

  test('let it go to idleReplicaCount, and from there to the minimum', async () => {
    api.put('scaledobjects', scaledObject('llm', { minReplicaCount: 3, idleReplicaCount: 0 }));
    putDeployment(3);
    await start();
    waiting = { [podOf('llm')]: 0, [podOf('llm', 1)]: 0, [podOf('llm', 2)]: 0 };
    expect(await decided()).toMatchObject({ desired: 0, active: false });
    waiting[podOf('llm')] = 5;
    expect(await decided()).toMatchObject({ desired: 3, active: true });
  });

  test('follow an edit at once, and hold for kinds that are not watched too', async () => {
    const rollout = { scaleTargetRef: { kind: 'Rollout', name: 'other' } };
    api.put('scaledobjects', scaledObject('llm', { ...rollout, maxReplicaCount: 5 }));
    await start();
    // Without a target that is watched its name is all there is, as without access.
    waiting = { [podOf('llm')]: 300 };
    expect(await decided()).toMatchObject({ desired: 5, replicas: { source: 'pods' } });
    api.put('scaledobjects', scaledObject('llm', { ...rollout, maxReplicaCount: 7 }));
    await heard('7', () => known()?.maxReplicas === 7);
    expect(await decided()).toMatchObject({ desired: 7 });
  });

  test('that are not kept up to date hold nothing back', async () => {
    api.put('scaledobjects', scaledObject('llm', { minReplicaCount: 1, maxReplicaCount: 5 }));
    putDeployment(1);
    await start();
    waiting = { [podOf('llm')]: 300 };
    expect(await decided()).toMatchObject({ desired: 5 });
    api.faults.set('scaledobjects', { kind: 'status', code: 503, reason: 'ServiceUnavailable' });
    api.hangUp('scaledobjects');
    await heard('stale', () => known() === null);
    expect(await decided()).toMatchObject({ desired: 30, replicas: { source: 'cluster' } });
    api.faults.clear();
    await heard('current again', () => known() !== null);
    expect(await decided()).toMatchObject({ desired: 5 });
  });
});

test('the whole server knows them, and shows what holds', async () => {
  api.put('scaledobjects', scaledObject('llm', { minReplicaCount: 1, maxReplicaCount: 5 }));
  putDeployment(1);
  await start();
  waiting = { [podOf('llm')]: 300 };
  await decided();
  const kubeconfig = await api.kubeconfig(await temporaryFolder('scaled-object-server'));
  const whole = await serveHere({ prometheus: prometheus.url, kubeconfig });
  await whole.keda.isActive(REF);
  const [view] = whole.views.named('ns', 'llm');
  await whole.stop();
  expect(view?.decision).toMatchObject({ desired: 5, replicas: { source: 'cluster' } });
  expect(view?.cluster?.bounds).toEqual({ minReplicas: 1, maxReplicas: 5, idleReplicas: null });
});

describe('the scale target', () => {
  const engine = { scaleTargetRef: { kind: 'StatefulSet', name: 'engine' } };

  function putEngine(): void {
    api.put('statefulsets', deployment('engine', 1));
    const ready = pod('engine', '0', { node: 'n', started: 5, ready: 30 });
    const ownerReferences = [{ kind: 'StatefulSet', name: 'engine', controller: true }];
    api.put('pods', { ...ready, metadata: { ...ready.metadata, name: 'engine-0', ownerReferences } });
  }

  test('is the ScaledObject’s, whatever its kind and name', async () => {
    api.put('scaledobjects', scaledObject('llm', engine));
    putEngine();
    await start();
    waiting = { 'engine-0': 30, [podOf('llm')]: 500 };
    expect(await decided()).toMatchObject({ desired: 3, replicas: { current: 1, source: 'cluster' } });
  });

  test('is the trigger’s where that names it', async () => {
    api.put('scaledobjects', scaledObject('llm', engine));
    putEngine();
    putDeployment(2);
    await start();
    waiting = { 'engine-0': 30, [podOf('llm')]: 25, [podOf('llm', 1)]: 25 };
    const ref = { ...REF, metadata: { ...REF.metadata, workload: 'deployment/llm' } };
    expect(await decided(ref)).toMatchObject({ desired: 5, replicas: { current: 2 } });
  });

  test('that becomes another begins anew: the old one’s pods are not missed', async () => {
    api.put('scaledobjects', scaledObject('llm'));
    putDeployment(4);
    await start();
    waiting = Object.fromEntries([0, 1, 2, 3].map((index) => [podOf('llm', index), 20]));
    expect(await decided()).toMatchObject({ desired: 8, replicas: { current: 4, reporting: 4 } });
    putEngine();
    api.put('scaledobjects', scaledObject('llm', engine));
    await heard('the new target', () => known()?.target.name === 'engine');
    // What was asked for before is nothing to stand on.
    expect(await decided()).toMatchObject({ verdict: 'blind', replicas: { current: 1, missing: 1 } });
    waiting['engine-0'] = 5;
    expect(await decided()).toMatchObject({ desired: 1, replicas: { current: 1, reporting: 1, missing: 0 } });
    const [workload] = server.registry.named('ns', 'llm');
    expect(Object.keys(workload!.state.pods)).toEqual(['engine-0']);
    expect(workload!.target).toEqual({ namespace: 'ns', kind: 'statefulset', name: 'engine' });
  });

  test('is known only later, and then taken', async () => {
    api.forbidden.add('scaledobjects');
    putEngine();
    await start(100);
    waiting = { 'engine-0': 30 };
    expect(await decided()).toMatchObject({ verdict: 'blind', replicas: { source: 'asked' } });
    api.put('scaledobjects', scaledObject('llm', engine));
    api.forbidden.clear();
    await heard('the ScaledObject', () => known() !== null);
    expect(await decided()).toMatchObject({ verdict: 'fresh', desired: 3 });
  });

  test('stays what it was while access is lost', async () => {
    api.put('scaledobjects', scaledObject('llm', engine));
    putEngine();
    await start();
    waiting = { 'engine-0': 30 };
    await decided();
    api.faults.set('scaledobjects', { kind: 'status', code: 503, reason: 'ServiceUnavailable' });
    api.hangUp('scaledobjects');
    await heard('stale', () => known() === null);
    expect(await decided()).toMatchObject({ desired: 3, replicas: { current: 1 } });
  });
});
