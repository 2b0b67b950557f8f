import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Cluster, FactsAnswer } from '../../src/ports/cluster.js';
import { ApiServer } from '../support/api-server.js';
import { openOn, recordedEvents, recordedList } from '../support/cluster-under-test.js';
import { eventually } from '../support/processes.js';

const NAMESPACE = 't-rec-gpu-24016';
const RESOURCES = ['pods', 'nodes', 'deployments', 'scaledobjects'];

/** Everything that happened, in the order of its resource versions. */
const story = RESOURCES.flatMap((resource) =>
  recordedEvents(resource).map((line) => {
    const { object } = JSON.parse(line) as { object: { metadata: { resourceVersion: string } } };
    return { resource, line, version: Number(object.metadata.resourceVersion) };
  }),
).sort((one, other) => one.version - other.version);

describe('what is read of a recorded cluster', () => {
  let server: ApiServer;
  let cluster: Cluster;
  let told = 0;

  /** Lets all happen up to a resource version. */
  const until = (version: number) => {
    for (; (story[told]?.version ?? Infinity) <= version; told += 1) {
      const { resource = '', line = '' } = story[told] ?? {};
      server.replay(resource, line);
    }
  };
  const counts = (answer: FactsAnswer) => {
    if (answer.kind === 'unknown') return answer.why;
    const { replicas, waiting } = answer.facts;
    const { current, ready, starting, pending } = replicas;
    return {
      current,
      ready,
      starting,
      pending,
      waiting: waiting.map(({ reason, pods }) => `${pods} ${reason}`),
    };
  };
  const becomes = (expected: unknown) =>
    eventually(`facts become ${JSON.stringify(expected)}`, async () => {
      const found = counts(cluster.facts(NAMESPACE, 'triton'));
      if (JSON.stringify(found) !== JSON.stringify(expected)) throw new Error(JSON.stringify(found));
      return found;
    });

  beforeEach(async () => {
    told = 0;
    server = await ApiServer.start();
    for (const resource of RESOURCES) server.recorded(resource, recordedList(resource));
    ({ cluster } = await openOn(server));
  });
  afterEach(async () => {
    await cluster.close();
    await server.stop();
    expect(server.refused).toEqual([]);
  });

  it('knows the ScaledObject and its target in full', () => {
    const answer = cluster.facts(NAMESPACE, 'triton');
    expect(answer).toMatchObject({
      kind: 'known',
      facts: {
        target: { namespace: NAMESPACE, kind: 'deployment', name: 'triton' },
        replicas: { current: 0, ready: 0, starting: 0, pending: 0 },
        waiting: [],
        minReplicas: 0,
        maxReplicas: 10,
        idleReplicas: null,
        pollingInterval: 2000,
        cooldown: 10_000,
        tolerance: { up: 0.1, down: 0.1 },
        paused: false,
        shape: {
          gpu: { resource: 'nvidia.com/gpu', perPod: 1 },
          requests: { 'nvidia.com/gpu': 1 },
          nodeSelector: { 'cloud.google.com/gke-accelerator': 'nvidia-tesla-a100' },
          tolerations: [{ key: 'nvidia.com/gpu', operator: 'Exists', value: '', effect: 'NoSchedule' }],
          priorityClass: null,
          nodeAffinity: null,
        },
      },
    });
    const { behavior } = answer.kind === 'known' ? answer.facts : { behavior: null };
    expect(behavior?.scaleUp).toEqual({
      stabilizationWindowSeconds: 0,
      tolerance: 0.1,
      selectPolicy: 'Max',
      policies: [{ type: 'Pods', value: 100, periodSeconds: 1 }],
    });
    expect(behavior?.scaleDown.stabilizationWindowSeconds).toBe(0);
  });

  it('follows the workload from zero to one, back, and to three', async () => {
    const nobody = { current: 0, ready: 0, starting: 0, pending: 0, waiting: [] };
    until(320);
    await becomes({ current: 1, ready: 0, starting: 0, pending: 1, waiting: ['1 not-created'] });
    until(324);
    await becomes({ current: 1, ready: 0, starting: 0, pending: 1, waiting: ['1 scheduling'] });
    until(329);
    await becomes({ current: 1, ready: 0, starting: 1, pending: 0, waiting: ['1 creating'] });
    until(344);
    await becomes({ current: 1, ready: 1, starting: 0, pending: 0, waiting: [] });
    expect(cluster.replicas({ namespace: NAMESPACE, kind: 'deployment', name: 'triton' })).toEqual({
      current: 1,
      ready: 1,
    });
    // The pod drains from here on, and is no replica although it is Ready still.
    until(399);
    await becomes(nobody);
    until(438);
    await becomes({ current: 3, ready: 0, starting: 3, pending: 0, waiting: ['3 creating'] });
    until(507);
    await becomes('no ScaledObject t-rec-gpu-24016/triton names this scaler');
  });

  it('measures the one start: 12 s between the binding and Ready, on a node that was there', async () => {
    until(344);
    await becomes({ current: 1, ready: 1, starting: 0, pending: 0, waiting: [] });
    // The kubelet of the recording sets all its conditions anew when the pod is Ready; the binding was 12 s before.
    const start = { p50: 12_000, p90: 12_000, samples: 1, at: Date.parse('2026-11-22T03:00:07Z') };
    const parts = { schedule: 0, image: 12_000, start: 0, model: 0 };
    const expected = { warmNode: { ...start, parts }, coldNode: null };
    expect(cluster.leadTime(NAMESPACE, 'triton')).toEqual(expected);
    expect(cluster.leadTimeOfGpu('NVIDIA-A100-SXM4-40GB')).toEqual(expected);
    expect(cluster.leadTime(NAMESPACE, 'placeholder-a100')).toBeNull();
  });

  it('knows the nodes and pods, their owners through the ReplicaSet, and the cordon', async () => {
    until(380);
    const nodes = await eventually('the cordon', async () => {
      const found = cluster.nodes();
      return found.kind === 'known' && found.items.some(({ unschedulable }) => unschedulable)
        ? found.items
        : undefined;
    });
    expect(nodes.map(({ name, ready, unschedulable }) => ({ name, ready, unschedulable }))).toEqual([
      { name: 'fake-0', ready: true, unschedulable: false },
      { name: 'fake-1', ready: true, unschedulable: true },
    ]);
    expect(nodes[0]?.allocatable).toEqual({
      cpu: 64,
      'ephemeral-storage': 2 ** 40,
      memory: 2 ** 39,
      'nvidia.com/gpu': 4,
      pods: 250,
    });
    const pods = cluster.pods();
    const held = pods.kind === 'known' ? pods.items : [];
    expect(held.map(({ owner, node, priority, requests }) => ({ owner, node, priority, requests }))).toEqual(
      expect.arrayContaining([
        {
          owner: { kind: 'Deployment', name: 'triton' },
          node: 'fake-1',
          priority: 0,
          requests: { 'nvidia.com/gpu': 1 },
        },
        {
          owner: { kind: 'Deployment', name: 'placeholder-a100' },
          node: 'fake-0',
          priority: -10,
          requests: { 'nvidia.com/gpu': 1 },
        },
      ]),
    );
    expect(held).toHaveLength(4);
  });

  it('ends where the recording ends: without pods', async () => {
    until(438);
    await becomes({ current: 3, ready: 0, starting: 3, pending: 0, waiting: ['3 creating'] });
    until(Number.MAX_SAFE_INTEGER);
    await eventually('no pods', async () => {
      const found = cluster.pods();
      return found.kind === 'known' && found.items.length === 0 ? true : undefined;
    });
  });
});
