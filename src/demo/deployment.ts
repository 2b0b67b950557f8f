import type { ScrapeTarget } from '../ports/scrape-targets.js';
import { openEndpoint, type Endpoint } from './endpoints.js';
import { tgiPage, tritonPage, type GatewayCount } from './expositions.js';
import {
  NO_HISTORY,
  withChange,
  withReady,
  withRequestAtZero,
  withWait,
  type Actor,
  type Change,
  type History,
} from './history.js';
import { podNames } from './pod-names.js';
import {
  newService,
  readyPods,
  queueShares,
  replicasOf,
  runningIn,
  scaled,
  step,
  STEPS_PER_SECOND,
  waitingIn,
  type Service,
} from './simulation.js';
import { levelAt, loadBefore, phaseAt, type PhaseName, type Story } from './story.js';
import { NAMESPACE, type DemoWorkload } from './workloads.js';

/** Requests that the gateway has counted before: a series that has just appeared has no rate in a direct scrape. */
const YESTERDAY = 48_211;

export interface Counts {
  /** spec.replicas, status.replicas and status.readyReplicas. */
  readonly spec: number;
  readonly status: number;
  readonly ready: number;
}

/** One simulated deployment: its model server's pods under the story's load, and their endpoints. */
export class SimulatedDeployment {
  readonly workload: DemoWorkload;
  readonly #story: Story;
  readonly #fail: (error: Error) => void;
  readonly #newName: () => string;
  /** By pod; null while it is being opened. */
  readonly #endpoints = new Map<string, Endpoint | null>();
  #service: Service;
  #history: History = NO_HISTORY;
  /** The fraction of a request that has come so far. */
  #owed = 0;

  constructor(workload: DemoWorkload, story: Story, fail: (error: Error) => void) {
    this.workload = workload;
    this.#story = story;
    this.#fail = fail;
    this.#newName = podNames(workload.name);
    this.#service = newService(workload.capacity);
  }

  get service(): Service {
    return this.#service;
  }

  get history(): History {
    return this.#history;
  }

  /** Requests per second that come now. */
  get rate(): number {
    return this.workload.peak * levelAt(this.#story, this.#loadTime());
  }

  get phase(): PhaseName {
    return phaseAt(this.#story, this.#loadTime()).name;
  }

  get counts(): Counts {
    const replicas = replicasOf(this.#service);
    return { spec: replicas, status: replicas, ready: readyPods(this.#service).length };
  }

  step(): void {
    this.#owed += this.rate / STEPS_PER_SECOND;
    const arrivals = Math.floor(this.#owed);
    this.#owed -= arrivals;
    this.#service = step(this.#service, arrivals);
    const at = this.#service.now / STEPS_PER_SECOND;
    if (arrivals > 0 && replicasOf(this.#service) === 0) this.#history = withRequestAtZero(this.#history, at);
    if (readyPods(this.#service).length > 0) this.#history = withReady(this.#history, at);
    const began = loadBefore(this.#story, this.#loadTime());
    const oldest = this.#service.waiting[0]?.at ?? this.#service.now;
    const waited = (this.#service.now - oldest) / STEPS_PER_SECOND;
    if (began !== null) this.#history = withWait(this.#history, began + this.workload.offset, waited);
  }

  /** Writes spec.replicas, as KEDA and the HPA do through the scale subresource; null when nothing changes. */
  scale(to: number, by: Actor, reason: string): Change | null {
    const from = replicasOf(this.#service);
    if (to === from) return null;
    this.#service = scaled(this.#service, to, this.#newName);
    const at = this.#service.now / STEPS_PER_SECOND;
    const change = { at, workload: this.workload.name, from, to, by, reason };
    this.#history = withChange(this.#history, change);
    this.settle();
    return change;
  }

  /** Opens the endpoints of new pods and closes those of pods that are gone. */
  settle(): void {
    if (this.workload.server === 'plain') return;
    const pods = new Set(this.#service.pods.map((pod) => pod.name));
    for (const [pod, endpoint] of this.#endpoints) {
      if (pods.has(pod) || endpoint === null) continue;
      endpoint.close();
      this.#endpoints.delete(pod);
    }
    for (const pod of pods) if (!this.#endpoints.has(pod)) this.#open(pod);
  }

  targets(): ScrapeTarget[] {
    return readyPods(this.#service).flatMap(({ name }) => {
      const endpoint = this.#endpoints.get(name) ?? null;
      const { server: engine } = this.workload;
      if (endpoint === null || engine === 'plain') return [];
      const { url, origin } = endpoint;
      return [{ kind: 'pod', namespace: NAMESPACE, pod: name, url, server: { engine, url: origin } }];
    });
  }

  gatewayCount(): GatewayCount {
    const { arrived } = this.#service;
    return { namespace: NAMESPACE, service: this.workload.name, requests: YESTERDAY + arrived };
  }

  waiting(): number {
    return waitingIn(this.#service);
  }

  running(): number {
    return this.#service.pods.reduce((sum, pod) => sum + runningIn(pod), 0);
  }

  close(): void {
    for (const endpoint of this.#endpoints.values()) endpoint?.close();
    this.#endpoints.clear();
  }

  #loadTime(): number {
    return this.#service.now / STEPS_PER_SECOND - this.workload.offset;
  }

  #open(pod: string): void {
    this.#endpoints.set(pod, null);
    openEndpoint(() => this.#page(pod)).then((endpoint) => {
      // Closed meanwhile: nobody would close it later.
      if (this.#endpoints.has(pod)) this.#endpoints.set(pod, endpoint);
      else endpoint.close();
    }, this.#fail);
  }

  #page(name: string): string {
    const ready = readyPods(this.#service);
    const index = ready.findIndex((pod) => pod.name === name);
    const pod = ready[index] ?? this.#service.pods.find((each) => each.name === name);
    if (pod === undefined) return '';
    const waiting = queueShares(this.#service)[index] ?? 0;
    return this.workload.server === 'triton'
      ? tritonPage(pod, waiting, this.workload.name)
      : tgiPage(pod, waiting);
  }
}
