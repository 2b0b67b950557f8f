import type { Api, KubeObject } from './api.js';

/** Seconds until a pod is Ready after its containers run; the pod template says more where it wants it to take longer. */
export const MODEL_ANNOTATION = 'real-cluster/model-seconds';
const PULL = 1;
const MODEL = 2;
const LOOK_EVERY = 250;

interface Way {
  step: 'bound' | 'pulled' | 'running' | 'ready';
  since: number;
}

/**
 * Plays the kubelet of every node: a pod that has a node pulls its image, starts and becomes Ready, and one that is deleted
 * goes. Containers there are none.
 */
export class Kubelet {
  readonly #api: Api;
  readonly #ways = new Map<string, Way>();
  #pods: readonly KubeObject[] = [];
  #timer: NodeJS.Timeout | null = null;
  #looking: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(api: Api) {
    this.#api = api;
    this.#next();
  }

  /** Pods that are Ready, as last seen. */
  ready(namespace: string, deployment: string): string[] {
    return this.#pods
      .filter(
        (pod) =>
          pod.metadata.namespace === namespace &&
          labelsOf(pod)['app'] === deployment &&
          pod.metadata['deletionTimestamp'] === undefined &&
          this.#ways.get(uidOf(pod))?.step === 'ready',
      )
      .map((pod) => pod.metadata.name);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    await this.#looking;
  }

  #next(): void {
    if (this.#stopped) return;
    this.#timer = setTimeout(() => {
      // While the API server is away there is nothing to do.
      this.#looking = this.#look()
        .catch(() => undefined)
        .finally(() => this.#next());
    }, LOOK_EVERY);
  }

  async #look(): Promise<void> {
    const bound = '/api/v1/pods?resourceVersion=0&fieldSelector=spec.nodeName!%3D';
    this.#pods = await this.#api.items(bound);
    const there = new Set(this.#pods.map(uidOf));
    for (const uid of this.#ways.keys()) if (!there.has(uid)) this.#ways.delete(uid);
    for (const pod of this.#pods) await this.#step(pod, Date.now());
  }

  async #step(pod: KubeObject, now: number): Promise<void> {
    const path = `/api/v1/namespaces/${pod.metadata.namespace}/pods/${pod.metadata.name}`;
    if (pod.metadata['deletionTimestamp'] !== undefined) {
      await this.#api.ask('DELETE', path, { gracePeriodSeconds: 0 });
      return;
    }
    const way = this.#ways.get(uidOf(pod));
    const seconds = way === undefined ? 0 : (now - way.since) / 1000;
    if (way === undefined) {
      await this.#go(pod, path, 'bound', bound(pod, now), now);
    } else if (way.step === 'bound' && seconds >= PULL) {
      await this.#api.must('POST', `/api/v1/namespaces/${pod.metadata.namespace}/events`, pulled(pod, now));
      await this.#go(pod, path, 'running', running(pod, now, false), now);
    } else if (way.step === 'running' && seconds >= modelSeconds(pod)) {
      await this.#go(pod, path, 'ready', running(pod, way.since, true), now);
    }
  }

  async #go(pod: KubeObject, path: string, step: Way['step'], status: object, now: number): Promise<void> {
    await this.#api.patch('strategic', `${path}/status`, { status });
    this.#ways.set(uidOf(pod), { step, since: now });
  }
}

function labelsOf(pod: KubeObject): Record<string, string> {
  return (pod.metadata['labels'] ?? {}) as Record<string, string>;
}

function modelSeconds(pod: KubeObject): number {
  const annotations = (pod.metadata['annotations'] ?? {}) as Record<string, string>;
  return Number(annotations[MODEL_ANNOTATION] ?? MODEL);
}

function containersOf(pod: KubeObject): readonly { readonly name: string; readonly image: string }[] {
  return (pod['spec'] as { containers: { name: string; image: string }[] }).containers;
}

function bound(pod: KubeObject, now: number): object {
  return {
    phase: 'Pending',
    startTime: moment(now),
    conditions: [condition('Initialized', 'True', now), condition('Ready', 'False', now)],
    containerStatuses: containersOf(pod).map(({ name, image }) => ({
      name,
      image,
      imageID: '',
      ready: false,
      restartCount: 0,
      state: { waiting: { reason: 'ContainerCreating' } },
    })),
  };
}

function running(pod: KubeObject, startedAt: number, ready: boolean): object {
  const now = ready ? Date.now() : startedAt;
  const status = ready ? 'True' : 'False';
  return {
    phase: 'Running',
    podIP: '10.1.0.1',
    conditions: [condition('Ready', status, now), condition('ContainersReady', status, now)],
    containerStatuses: containersOf(pod).map(({ name, image }) => ({
      name,
      image,
      imageID: image,
      ready,
      restartCount: 0,
      started: true,
      state: { running: { startedAt: moment(startedAt) } },
    })),
  };
}

/** As the kubelet writes it: of the older kind, with the container in the field path. */
function pulled(pod: KubeObject, now: number): object {
  const [container] = containersOf(pod);
  return {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name: `${pod.metadata.name}.${now.toString(16)}`, namespace: pod.metadata.namespace },
    involvedObject: {
      apiVersion: 'v1',
      kind: 'Pod',
      namespace: pod.metadata.namespace,
      name: pod.metadata.name,
      uid: uidOf(pod),
      fieldPath: `spec.containers{${container?.name ?? ''}}`,
    },
    reason: 'Pulled',
    message: `Successfully pulled image "${container?.image ?? ''}" in ${PULL}s`,
    source: { component: 'kubelet' },
    firstTimestamp: moment(now),
    lastTimestamp: moment(now),
    count: 1,
    type: 'Normal',
  };
}

function condition(type: string, status: string, at: number): object {
  return { type, status, lastTransitionTime: moment(at) };
}

function moment(at: number): string {
  return new Date(at).toISOString().replace(/\.\d+Z$/, 'Z');
}

function uidOf(pod: KubeObject): string {
  return String(pod.metadata['uid']);
}
