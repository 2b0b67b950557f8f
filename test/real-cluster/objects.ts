import type { Api, KubeObject } from './api.js';
import { MODEL_ANNOTATION } from './kubelet.js';

/** A node as its device plugin and the GPU feature discovery leave it. */
export interface GpuNode {
  readonly name: string;
  readonly pool: string;
  readonly gpus: Readonly<Record<string, number>>;
  readonly labels?: Readonly<Record<string, string>>;
  readonly cordoned?: boolean;
}

const NVIDIA = 'nvidia.com';

export async function putNode(api: Api, node: GpuNode): Promise<void> {
  await api.must('POST', '/api/v1/nodes', {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name: node.name,
      labels: { 'kubernetes.io/hostname': node.name, pool: node.pool, ...node.labels },
    },
    spec: node.cordoned === true ? { unschedulable: true } : {},
  });
  await setGpus(api, node.name, node.gpus);
}

/** What the kubelet says of a node once the device plugin has registered. */
export async function setGpus(api: Api, name: string, gpus: Readonly<Record<string, number>>): Promise<void> {
  const amounts = Object.fromEntries(Object.entries(gpus).map(([key, count]) => [key, String(count)]));
  const allocatable = { cpu: '64', memory: '512Gi', pods: '110', ...amounts };
  const now = new Date().toISOString().replace(/\.\d+Z$/, 'Z');
  const ready = {
    type: 'Ready',
    status: 'True',
    reason: 'KubeletReady',
    message: 'kubelet is posting ready status',
  };
  await api.patch('strategic', `/api/v1/nodes/${name}/status`, {
    status: {
      capacity: allocatable,
      allocatable,
      conditions: [{ ...ready, lastHeartbeatTime: now, lastTransitionTime: now }],
    },
  });
}

/** Labels of the GPU feature discovery. */
export function gfd(product: string, more: Readonly<Record<string, string>> = {}): Record<string, string> {
  const labels = { 'gpu.product': product, ...more };
  return Object.fromEntries(Object.entries(labels).map(([key, value]) => [`${NVIDIA}/${key}`, value]));
}

export interface WorkloadSpec {
  readonly namespace: string;
  readonly name: string;
  readonly pool: string;
  readonly resource: string;
  readonly replicas: number;
  readonly modelSeconds?: number;
}

export function deployment({
  namespace,
  name,
  pool,
  resource,
  replicas,
  modelSeconds,
}: WorkloadSpec): KubeObject {
  const labels = { app: name };
  const annotations = modelSeconds === undefined ? {} : { [MODEL_ANNOTATION]: String(modelSeconds) };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels, annotations },
        spec: {
          nodeSelector: { pool },
          tolerations: [{ key: 'nvidia.com/gpu', operator: 'Exists', effect: 'NoSchedule' }],
          terminationGracePeriodSeconds: 0,
          containers: [
            {
              name: 'triton',
              image: 'nvcr.io/nvidia/tritonserver:24.11-py3',
              resources: {
                requests: { cpu: '500m', memory: '1Gi' },
                limits: { [resource]: '1' },
              },
            },
          ],
        },
      },
    },
  };
}

export function scaledObject(
  { namespace, name }: Pick<WorkloadSpec, 'namespace' | 'name'>,
  spec: object = {},
): KubeObject {
  return {
    apiVersion: 'keda.sh/v1alpha1',
    kind: 'ScaledObject',
    metadata: { name, namespace },
    spec: {
      scaleTargetRef: { name },
      minReplicaCount: 0,
      maxReplicaCount: 30,
      pollingInterval: 5,
      triggers: [
        {
          type: 'external-push',
          metadata: { scalerAddress: 'pilotlight-headless.pilotlight.svc:50051', ...TRIGGER },
        },
      ],
      ...spec,
    },
  };
}

/** Ten requests that wait for each replica. */
export const TRIGGER: Readonly<Record<string, string>> = { profile: 'triton-pending', target: '10' };

const INTEGERS = [
  'pollingInterval',
  'cooldownPeriod',
  'idleReplicaCount',
  'minReplicaCount',
  'maxReplicaCount',
];
const OPEN = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };

/** What of KEDA's own definition decides who owns a field: integers typed, the rest as it comes. */
export const SCALED_OBJECTS = definition('keda.sh', 'ScaledObject', ['v1alpha1'], {
  ...OPEN,
  required: ['scaleTargetRef', 'triggers'],
  properties: {
    ...Object.fromEntries(INTEGERS.map((name) => [name, { type: 'integer', format: 'int32' }])),
    scaleTargetRef: {
      ...OPEN,
      required: ['name'],
      properties: { name: { type: 'string' }, kind: { type: 'string' }, apiVersion: { type: 'string' } },
    },
    triggers: {
      type: 'array',
      items: {
        ...OPEN,
        required: ['type', 'metadata'],
        properties: {
          type: { type: 'string' },
          metadata: { type: 'object', additionalProperties: { type: 'string' } },
        },
      },
    },
  },
});

export const CAPACITY_BUFFERS = definition(
  'autoscaling.x-k8s.io',
  'CapacityBuffer',
  ['v1alpha1', 'v1beta1'],
  {
    type: 'object',
    properties: {
      provisioningStrategy: { type: 'string' },
      replicas: { type: 'integer', format: 'int32', minimum: 0 },
      podTemplateRef: { type: 'object', required: ['name'], properties: { name: { type: 'string' } } },
    },
  },
);

function definition(group: string, kind: string, versions: readonly string[], spec: object): KubeObject {
  const plural = `${kind.toLowerCase()}s`;
  const schema = { type: 'object', required: ['spec'], properties: { spec, status: OPEN } };
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: {
      name: `${plural}.${group}`,
      // Groups of *.k8s.io want one; ours is for these tests alone.
      annotations: { 'api-approved.kubernetes.io': 'unapproved, a definition for tests' },
    },
    spec: {
      group,
      scope: 'Namespaced',
      names: { kind, plural, singular: kind.toLowerCase(), listKind: `${kind}List` },
      versions: versions.map((name, index) => ({
        name,
        served: true,
        storage: index === versions.length - 1,
        schema: { openAPIV3Schema: schema },
        subresources: { status: {} },
      })),
    },
  };
}

export function namespace(name: string): KubeObject {
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name } };
}
