import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { gpuTypeOf, nodeReader } from '../../src/cluster/objects/node.js';
import { podReader } from '../../src/cluster/objects/pod.js';
import { gpuOf, podRequests } from '../../src/cluster/objects/pod-requests.js';
import { quantity } from '../../src/cluster/objects/quantity.js';
import { targetReader } from '../../src/cluster/objects/scale-target.js';
import { readScaledObject } from '../../src/cluster/objects/scaled-object.js';
import type { JsonRecord } from '../../src/cluster/objects/json.js';
import { deployment, node, pod, scaledObject, T0, type PodState } from '../support/cluster-under-test.js';

describe('a quantity', () => {
  it.each([
    ['1', 1],
    ['500m', 0.5],
    ['15890m', 15.89],
    ['100n', 1e-7],
    ['1Gi', 2 ** 30],
    ['1.5Gi', 1.5 * 2 ** 30],
    ['2k', 2000],
    ['1E', 1e18],
    ['1Ei', 2 ** 60],
    ['1e3', 1000],
    ['12E2', 1200],
    ['.5', 0.5],
    [4, 4],
  ])('%s is %d', (given, expected) => expect(quantity(given)).toBeCloseTo(expected, 12));

  it.each(['', 'one', '1 Gi', '1gi', '-1', 'Infinity', '0x10', '1KiB', null, {}, Number.NaN, -2])(
    '%j is none',
    (given) => expect(quantity(given)).toBeNull(),
  );

  it('is never negative nor infinite, whatever it is given', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string(), fc.anything(), fc.stringMatching(/^\d{1,400}(?:Ei|e9)?$/)),
        (given) => {
          const found = quantity(given);
          return found === null || (Number.isFinite(found) && found >= 0);
        },
      ),
    );
  });
});

describe('what the scheduler sets aside for a pod', () => {
  const container = (cpu: number, more: object = {}) => ({
    resources: { requests: { cpu: `${cpu}` } },
    ...more,
  });

  it('is its containers together, or the greatest init container', () => {
    expect(podRequests({ containers: [container(1), container(2)], initContainers: [container(5)] })).toEqual(
      { cpu: 5 },
    );
    expect(podRequests({ containers: [container(1), container(2)], initContainers: [container(2)] })).toEqual(
      { cpu: 3 },
    );
  });

  it('counts a sidecar beside all that comes after it', () => {
    const sidecar = container(4, { restartPolicy: 'Always' });
    expect(podRequests({ containers: [container(1)], initContainers: [sidecar, container(2)] })).toEqual({
      cpu: 6,
    });
    expect(podRequests({ containers: [container(3)], initContainers: [container(6), sidecar] })).toEqual({
      cpu: 7,
    });
  });

  it('takes a limit where there is no request, and adds the overhead', () => {
    const gpu = { resources: { limits: { 'nvidia.com/gpu': '2', cpu: '4' }, requests: { cpu: '1' } } };
    expect(podRequests({ containers: [gpu], overhead: { cpu: '250m' } })).toEqual({
      'nvidia.com/gpu': 2,
      cpu: 1.25,
    });
  });

  it('lets the pod’s own requests stand above its containers’', () => {
    expect(podRequests({ containers: [container(1)], resources: { requests: { cpu: '8' } } })).toEqual({
      cpu: 8,
    });
  });

  it('knows a GPU by its resource, MIG and shared ones too, and the greater of two', () => {
    expect(gpuOf({ cpu: 64, 'nvidia.com/gpu': 2 })).toEqual({ resource: 'nvidia.com/gpu', perPod: 2 });
    expect(gpuOf({ 'nvidia.com/mig-1g.5gb': 1 })).toEqual({ resource: 'nvidia.com/mig-1g.5gb', perPod: 1 });
    expect(gpuOf({ 'nvidia.com/gpu.shared': 1, 'nvidia.com/mig-1g.10gb.shared': 3 })?.perPod).toBe(3);
    expect(gpuOf({ 'nvidia.com/gpu': 0, 'amd.com/gpu': 1 })).toBeNull();
  });
});

describe('a pod as it is read', () => {
  const read = (state: PodState, change: (object: JsonRecord) => JsonRecord = (object) => object) =>
    podReader()(change(pod('llm', 'a', state)));

  it('belongs to the Deployment of its ReplicaSet, whose name may hold the hash itself', () => {
    expect(read({})?.owner).toEqual({ kind: 'Deployment', name: 'llm' });
    expect(podReader()(pod('llm-abc123', 'a'))?.owner).toEqual({ kind: 'Deployment', name: 'llm-abc123' });
    const bare = (object: JsonRecord) => ({
      ...object,
      metadata: {
        ...(object['metadata'] as object),
        labels: {},
        ownerReferences: [{ kind: 'ReplicaSet', name: 'rs-1', controller: true }],
      },
    });
    expect(read({}, bare)?.owner).toEqual({ kind: 'ReplicaSet', name: 'rs-1' });
  });

  it.each([
    ['before the scheduler has looked', {}, 'scheduling', null],
    [
      'that no node takes',
      { unschedulable: '0/3 nodes are available:\n3 Insufficient nvidia.com/gpu.' },
      'unschedulable',
      '0/3 nodes are available: 3 Insufficient nvidia.com/gpu.',
    ],
    ['being created', { node: 'n' }, 'creating', null],
    [
      'whose image is not there',
      { node: 'n', waiting: { reason: 'ImagePullBackOff', message: 'Back-off' } },
      'image-pull',
      'ImagePullBackOff: Back-off',
    ],
    [
      'that crashes',
      { node: 'n', waiting: { reason: 'CrashLoopBackOff' } },
      'crash-loop',
      'CrashLoopBackOff',
    ],
    [
      'with a broken volume',
      { node: 'n', waiting: { reason: 'CreateContainerConfigError', message: 'secret "x" not found' } },
      'creating',
      'CreateContainerConfigError: secret "x" not found',
    ],
    ['that loads its model', { node: 'n', started: 20 }, 'not-ready', null],
    ['that is ready', { node: 'n', started: 20, ready: 30 }, null, null],
    ['that drains', { node: 'n', started: 20, deleting: true }, null, null],
    ['that has ended', { node: 'n', phase: 'Failed' }, null, null],
  ] as const)('%s waits so', (_what, state, reason, detail) => {
    expect(read(state)).toMatchObject({ waiting: reason, detail });
  });

  it('has its moments, to the second', () => {
    expect(read({ node: 'n', created: 1, scheduled: 2, started: 20, ready: 30 })).toMatchObject({
      createdAt: T0 + 1000,
      scheduledAt: T0 + 2000,
      startedAt: T0 + 20_000,
      readyAt: T0 + 30_000,
    });
    expect(read({ created: 1 })).toMatchObject({ scheduledAt: null, startedAt: null, readyAt: null });
  });

  it('has not started while one of its containers does not run', () => {
    const two = (object: JsonRecord) => ({
      ...object,
      spec: { ...(object['spec'] as object), containers: [{ name: 'model' }, { name: 'proxy' }] },
    });
    expect(read({ node: 'n', started: 20 }, two)).toMatchObject({ startedAt: null, waiting: 'creating' });
  });

  it('shares what pods of one ReplicaSet have alike', () => {
    const reader = podReader();
    const [one, other] = [reader(pod('llm', 'a')), reader(pod('llm', 'b'))];
    expect(one?.labels).toBe(other?.labels);
    expect(one?.requests).toBe(other?.requests);
    expect(one?.owner).toBe(other?.owner);
  });
});

describe('what comes from outside', () => {
  it('is never trusted to have a shape: readers answer null or an object, and do not throw', () => {
    const readers = [podReader(), nodeReader(), targetReader('deployment'), targetReader('statefulset')];
    const shaped = fc.record(
      { metadata: fc.anything(), spec: fc.anything(), status: fc.anything() },
      { requiredKeys: [] },
    );
    const named = fc.record({
      metadata: fc.record({
        name: fc.string(),
        namespace: fc.string(),
        uid: fc.string(),
        creationTimestamp: fc.constant('2026-01-01T00:00:00Z'),
        labels: fc.anything(),
        ownerReferences: fc.anything(),
      }),
      spec: fc.record({
        containers: fc.anything(),
        initContainers: fc.array(fc.anything()),
        replicas: fc.anything(),
        template: fc.anything(),
        taints: fc.array(fc.anything()),
        nodeName: fc.anything(),
        triggers: fc.array(fc.anything()),
      }),
      status: fc.record({
        conditions: fc.array(fc.anything()),
        containerStatuses: fc.array(fc.anything()),
        allocatable: fc.anything(),
        phase: fc.anything(),
      }),
    });
    fc.assert(
      fc.property(fc.oneof(shaped, named), (object) => {
        for (const read of readers) read(object);
        readScaledObject(object, null);
      }),
      { numRuns: 500 },
    );
  });

  it('is refused as a ScaledObject of ours with the field and what was expected', () => {
    expect(readScaledObject(scaledObject('x', { maxReplicaCount: 'ten' }), null)).toEqual({
      kind: 'unreadable',
      why: 'spec.maxReplicaCount: expected a whole number ≥ 1',
    });
  });
});

describe('a ScaledObject as it is read', () => {
  const read = (object: JsonRecord) => {
    const reading = readScaledObject(object, null);
    return reading.kind === 'ours' ? reading.scaledObject : null;
  };

  it('has its owner’s minimum while a warm-up has lifted it', () => {
    const minimumOf = (minReplicaCount: number, before: string) => {
      const annotations = {
        'pilotlight.dev/min-replicas-before': before,
        'pilotlight.dev/min-replicas-to': '5',
      };
      const plain = scaledObject('llm', { minReplicaCount });
      return read({ ...plain, metadata: { ...plain.metadata, annotations } })?.minReplicas;
    };
    expect([minimumOf(5, '2'), minimumOf(5, 'unset')]).toEqual([2, 0]);
    // Somebody has set another meanwhile, or the marks make no sense.
    expect([minimumOf(4, '2'), minimumOf(5, 'two')]).toEqual([4, 5]);
  });

  it('has KEDA’s and the HPA’s defaults', () => {
    expect(read(scaledObject('llm'))).toEqual({
      namespace: 'ns',
      name: 'llm',
      uid: null,
      target: { kind: 'Deployment', name: 'llm' },
      minReplicas: 0,
      maxReplicas: 100,
      idleReplicas: null,
      pollingInterval: 30_000,
      cooldown: 300_000,
      tolerance: { up: 0.1, down: 0.1 },
      behavior: null,
      paused: false,
    });
  });

  it('has the tolerance of each direction', () => {
    const behavior = { scaleUp: { tolerance: '50m' }, scaleDown: { tolerance: 0.3 } };
    const advanced = { horizontalPodAutoscalerConfig: { behavior } };
    expect(read(scaledObject('llm', { advanced }))?.tolerance).toEqual({ up: 0.05, down: 0.3 });
  });

  it.each([
    [{ 'autoscaling.keda.sh/paused': 'true' }, true],
    [{ 'autoscaling.keda.sh/paused': 'yes, please' }, true],
    [{ 'autoscaling.keda.sh/paused': 'False' }, false],
    [{ 'autoscaling.keda.sh/paused-replicas': '0' }, true],
    [{}, false],
  ])('with %j is paused: %s', (annotations, paused) => {
    const object = scaledObject('llm');
    expect(read({ ...object, metadata: { ...object.metadata, annotations } })?.paused).toBe(paused);
  });
});

describe('a scale target and a node as they are read', () => {
  it('keep what placeholders need', () => {
    const spec = {
      nodeSelector: { pool: 'gpu' },
      tolerations: [
        { operator: 'Exists' },
        { key: 'a', value: 'b', effect: 'NoExecute' },
        { key: 'c', effect: 'Odd' },
      ],
      priorityClassName: 'high',
      affinity: {
        nodeAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: {
            nodeSelectorTerms: [{ matchExpressions: [{ key: 'zone', operator: 'In', values: ['a'] }] }],
          },
        },
      },
    };
    expect(targetReader('statefulset')(deployment('llm', 3, spec))).toEqual({
      kind: 'statefulset',
      namespace: 'ns',
      name: 'llm',
      replicas: 3,
      shape: {
        gpu: { resource: 'nvidia.com/gpu', perPod: 1 },
        requests: { 'nvidia.com/gpu': 1 },
        nodeSelector: { pool: 'gpu' },
        tolerations: [
          { key: null, operator: 'Exists', value: '', effect: null },
          { key: 'a', operator: 'Equal', value: 'b', effect: 'NoExecute' },
        ],
        priorityClass: 'high',
        nodeAffinity: [{ labels: [{ key: 'zone', operator: 'In', values: ['a'] }], fields: [] }],
      },
    });
  });

  it('name the GPU as exactly as their labels do', () => {
    const read = nodeReader();
    const typeOf = (labels: Record<string, string>) => {
      const found = read(node('n', 0, 1, labels));
      return found === null ? null : gpuTypeOf(found);
    };
    expect(typeOf({})).toBe('nvidia-l4');
    expect(typeOf({ 'nvidia.com/gpu.product': 'NVIDIA-L4' })).toBe('NVIDIA-L4');
    expect(gpuTypeOf({ labels: { 'karpenter.k8s.aws/instance-gpu-name': 't4' } })).toBe('t4');
    expect(gpuTypeOf({ labels: {} })).toBeNull();
  });
});
