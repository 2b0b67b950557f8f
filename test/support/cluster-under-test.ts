import { readFileSync } from 'node:fs';
import { openCluster, type ClusterParts } from '../../src/cluster/open.js';
import { SECOND } from '../../src/core/time.js';
import type { Cluster } from '../../src/ports/cluster.js';
import type { ApiObject } from './api-objects.js';
import type { ApiServer } from './api-server.js';
import { temporaryFolder } from './processes.js';

const RECORDED = 'test/fixtures/cluster/recorded';

export function recordedList(resource: string): string {
  return readFileSync(`${RECORDED}/${resource}.list.json`, 'utf8');
}

export function recordedEvents(resource: string): string[] {
  return readFileSync(`${RECORDED}/${resource}.watch.jsonl`, 'utf8')
    .split('\n')
    .filter((line) => line !== '');
}

/** A cluster on the stand-in, with pauses of milliseconds, and what it warned of. */
export async function openOn(
  server: ApiServer,
  parts: Partial<ClusterParts> = {},
): Promise<{ cluster: Cluster; warnings: string[] }> {
  const warnings: string[] = [];
  const file = await server.kubeconfig(await temporaryFolder('cluster'));
  const cluster = await openCluster({
    credentials: { kind: 'kubeconfig', file },
    namespaces: null,
    addresses: null,
    clock: { now: () => Date.now() },
    log: { info: () => undefined, warn: (_details, message) => void warnings.push(message) },
    state: null,
    chance: () => 0.5,
    ...parts,
    timing: { firstPause: 20, page: 2, grace: 0, ...parts.timing },
  });
  return { cluster, warnings };
}

export const T0 = Date.parse('2026-11-22T10:00:00Z');

/** A moment so many seconds after T0, as the API server writes it. */
export function at(seconds: number): string {
  return new Date(T0 + seconds * SECOND).toISOString().replace('.000Z', 'Z');
}

export function scaledObject(name: string, spec: object = {}, namespace = 'ns'): ApiObject {
  return {
    metadata: { name, namespace },
    spec: {
      scaleTargetRef: { name },
      triggers: [{ type: 'external-push', metadata: { scalerAddress: 'pilotlight:50051', profile: 'any' } }],
      ...spec,
    },
  };
}

export function deployment(
  name: string,
  replicas: number,
  podSpec: object = {},
  namespace = 'ns',
): ApiObject {
  const template = {
    spec: { containers: [{ name: 'model', resources: { limits: { 'nvidia.com/gpu': '1' } } }], ...podSpec },
  };
  return { metadata: { name, namespace }, spec: { replicas, template } };
}

export interface PodState {
  readonly created?: number;
  readonly node?: string;
  readonly scheduled?: number;
  readonly started?: number;
  readonly ready?: number;
  /** When it ceased to be ready; since it was bound, unless said otherwise. */
  readonly unready?: number;
  readonly waiting?: { readonly reason: string; readonly message?: string };
  readonly unschedulable?: string;
  readonly deleting?: boolean;
  readonly phase?: string;
  readonly hash?: string;
  readonly restarts?: number;
}

/** A pod of a Deployment, as the scheduler and the kubelet leave it at some moment; times in seconds after T0. */
export function pod(owner: string, id: string, state: PodState = {}, namespace = 'ns'): ApiObject {
  const { created = 0, node, scheduled = created, hash = 'abc123', started, ready } = state;
  const name = `${owner}-${hash}-${id}`;
  const bound = node !== undefined;
  const conditions = [
    ...(bound ? [{ type: 'PodScheduled', status: 'True', lastTransitionTime: at(scheduled) }] : []),
    ...(state.unschedulable === undefined
      ? []
      : [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: state.unschedulable }]),
    ...(bound
      ? [
          {
            type: 'Ready',
            status: ready === undefined ? 'False' : 'True',
            lastTransitionTime: at(ready ?? state.unready ?? scheduled),
          },
        ]
      : []),
  ];
  const running = started === undefined ? undefined : { running: { startedAt: at(started) } };
  const containerState = running ?? { waiting: state.waiting ?? { reason: 'ContainerCreating' } };
  return {
    metadata: {
      name,
      namespace,
      uid: `uid-${namespace}-${name}`,
      creationTimestamp: at(created),
      labels: { app: owner, 'pod-template-hash': hash },
      ownerReferences: [{ kind: 'ReplicaSet', name: `${owner}-${hash}`, controller: true }],
      ...(state.deleting === true ? { deletionTimestamp: at(1000) } : {}),
    },
    spec: {
      containers: [{ name: 'model', resources: { requests: { 'nvidia.com/gpu': '1' } } }],
      ...(bound ? { nodeName: node } : {}),
    },
    status: {
      phase: state.phase ?? (started === undefined ? 'Pending' : 'Running'),
      conditions,
      ...(bound
        ? { containerStatuses: [{ name: 'model', state: containerState, restartCount: state.restarts ?? 0 }] }
        : {}),
    },
  };
}

export function node(
  name: string,
  created: number,
  gpus: number,
  labels: Record<string, string> = {},
): ApiObject {
  return {
    metadata: {
      name,
      creationTimestamp: at(created),
      labels: { 'cloud.google.com/gke-accelerator': 'nvidia-l4', ...labels },
    },
    spec: {},
    status: {
      allocatable: { cpu: '15890m', memory: '57Gi', ...(gpus > 0 ? { 'nvidia.com/gpu': `${gpus}` } : {}) },
      conditions: [{ type: 'Ready', status: 'True' }],
    },
  };
}
