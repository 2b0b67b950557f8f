import { viewOf, roomFor, type ClusterView } from '../cluster/capacity.js';
import type { Log } from '../cluster/log.js';
import type { PlaceholderFailure, Placeholders, PlaceholdersReport } from '../cluster/placeholders.js';
import {
  placeholderCaps,
  planHolds,
  poolToHold,
  type Hold,
  type HoldWish,
} from '../cluster/placeholders-plan.js';
import { isPlaceholder } from '../cluster/placeholders-render.js';
import { SECOND, type Millis } from '../core/time.js';
import type { CapacityConfig } from '../policy/capacity-config.js';
import type { Clock } from '../ports/clock.js';
import type { Cluster } from '../ports/cluster.js';
import type { StepResult } from '../ports/warm-up-steps.js';
import type { WarmUp } from '../ports/warm-up.js';
import { scaledObjectName } from './scaled-object-name.js';
import { createTurns, type Turns } from './turns.js';
import type { UnderWay } from './warm-ups-under-way.js';

interface Parts {
  readonly cluster: Pick<Cluster, 'nodes' | 'pods'>;
  readonly config: CapacityConfig;
  readonly placeholders: Placeholders;
  /** Null while they are not known. */
  readonly underWay: (starting: Iterable<WarmUp>) => readonly UnderWay[] | null;
  readonly isWholeTruth: () => boolean;
  /** By `namespace/name` of a ScaledObject. */
  readonly isAskedHere: (id: string) => boolean;
  /** Aborted when the server stops: what has begun is ended, and nothing more is begun. */
  readonly stop: AbortSignal;
  readonly clock: Clock;
  readonly log: Log;
}

/** The store shows what a step has done within a second or two; after so long it alone is believed. */
const KNOWN_WITHIN: Millis = 10 * SECOND;

/**
 * Holds nodes for the warm-ups under way. Each round makes the cluster's placeholders those that are needed now, so that
 * a step of a warm-up only has to ask for a round: what it could not do the next round does. Of several scaler replicas the
 * one that KEDA asks about a ScaledObject holds for it.
 */
export class WarmUpHolds {
  readonly #parts: Parts;
  readonly #turns: Turns = createTurns();
  /** Workloads for which this process has held nodes. */
  readonly #ours = new Set<string>();
  /** What steps have just said of their warm-ups. */
  readonly #told = new Map<
    string,
    { readonly warmUp: WarmUp; readonly at: Millis; readonly holds: boolean }
  >();
  #holds: readonly Hold[] = [];
  #failures: readonly PlaceholderFailure[] = [];

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** One that runs is waited for, and the next sees what has changed meanwhile. Never rejects. */
  round(): Promise<void> {
    return this.#turns.take(() => this.#settle());
  }

  /** A warm-up goes on without its placeholders: its pods make the pool grow themselves, only later. */
  async hold(warmUp: WarmUp): Promise<StepResult> {
    this.#note(warmUp, true);
    await this.round();
    const id = scaledObjectOf(warmUp.workload);
    const nothing = (note: string): StepResult => ({ outcome: 'nothing', note, split: {} });
    if (!this.#parts.isAskedHere(id))
      return nothing('KEDA does not ask this scaler replica about it: the one that it asks holds the nodes');
    const failure = this.#failures.find(({ workload }) => workload === null || workload === id);
    if (failure !== undefined) return nothing(failure.why);
    const hold = this.#holds.find((each) => each.workload === id);
    if (hold === undefined) return nothing('no pod is missing that could be held for');
    return { outcome: 'done', note: `in pool ${hold.pool}: ${hold.why}`, split: {} };
  }

  async release(warmUp: WarmUp): Promise<void> {
    this.#note(warmUp, false);
    await this.round();
  }

  #note(warmUp: WarmUp, holds: boolean): void {
    this.#told.set(keyOf(warmUp), { warmUp, at: this.#parts.clock.now(), holds });
  }

  async #settle(): Promise<void> {
    const { underWay, placeholders, isWholeTruth, isAskedHere, clock, stop } = this.#parts;
    const now = clock.now();
    for (const [key, { at }] of this.#told) if (Math.abs(now - at) >= KNOWN_WITHIN) this.#told.delete(key);
    const begun = [...this.#told.values()].flatMap(({ warmUp, holds }) => (holds ? [warmUp] : []));
    const known = underWay(begun);
    // Also of before a restart: what our own store shows, and KEDA asks here, nobody else holds.
    for (const { id } of known ?? []) if (isAskedHere(id)) this.#ours.add(id);
    const holding = known?.filter((each) => this.#isHolding(each)) ?? null;
    // All of them share the pools' caps, whoever holds for them.
    const holds = holding === null ? null : this.#planned(holding, now);
    const here = holds?.filter(({ workload }) => isAskedHere(workload)) ?? null;
    this.#holds = here ?? [];
    const elsewhere = new Set((holding ?? []).flatMap(({ id }) => (isAskedHere(id) ? [] : [id])));
    const isOurs = (workload: string | null) =>
      workload === null
        ? isWholeTruth()
        : !elsewhere.has(workload) && (isWholeTruth() || this.#ours.has(workload));
    this.#report(await placeholders.settle(here, isOurs, stop));
  }

  #isHolding({ warmUp, wasReady }: UnderWay): boolean {
    return this.#told.get(keyOf(warmUp))?.holds ?? !wasReady;
  }

  /** Null while nodes or pods are not known: then it is not known either where a placeholder would go. */
  #planned(wanted: readonly UnderWay[], now: Millis): readonly Hold[] | null {
    if (wanted.length === 0) return [];
    const view = this.#view(now);
    if (view === null) return null;
    const wishes = wanted
      .map((each) => wishOf(each, view, this.#parts.config))
      .filter((wish) => wish !== null);
    return planHolds(wishes, placeholderCaps(this.#parts.config), now);
  }

  #view(now: Millis): ClusterView | null {
    const { cluster, config } = this.#parts;
    const [nodes, pods] = [cluster.nodes(), cluster.pods()];
    if (nodes.kind === 'unknown' || pods.kind === 'unknown') return null;
    const { pools, extendedResourceToleration } = config;
    return viewOf({
      now,
      nodes: nodes.items,
      pods: pods.items,
      pools,
      extendedResourceToleration,
      released: (pod) => isPlaceholder(pod, config.placeholders),
    });
  }

  /** What fails at every round is said once. */
  #report({ applied, deleted, failures }: PlaceholdersReport): void {
    const { log } = this.#parts;
    for (const what of applied) log.info({ placeholder: what }, 'a placeholder was set');
    for (const what of deleted) log.info({ placeholder: what }, 'a placeholder was removed');
    const said = new Set(this.#failures.map(({ why }) => why));
    for (const { why } of failures)
      if (!said.has(why)) log.warn({ why }, 'a placeholder could not be changed; tried again');
    this.#failures = failures;
  }
}

/** The next wake of a ScaledObject has the id of the last. */
function keyOf({ id, startAt }: WarmUp): string {
  return `${id} ${startAt}`;
}

function scaledObjectOf(workload: string): string {
  const { namespace, name } = scaledObjectName(workload);
  return `${namespace}/${name}`;
}

function wishOf(
  { id, replicas, warmUp, facts }: UnderWay,
  view: ClusterView,
  config: CapacityConfig,
): HoldWish | null {
  const { requests, nodeSelector, tolerations, nodeAffinity } = facts.shape;
  const gpuMemory = config.replicaMemory[id] ?? null;
  const shape = { requests, nodeSelector, tolerations, affinity: nodeAffinity, gpuMemory };
  const pool = poolToHold(roomFor(shape, view));
  if (pool === null) return null;
  const { ready, starting, pending } = facts.replicas;
  const notCreated = facts.waiting.find(({ reason }) => reason === 'not-created')?.pods ?? 0;
  const { readyBy, holdUntil } = warmUp;
  return {
    workload: id,
    replicas,
    readyBy,
    until: holdUntil,
    pool,
    shape,
    pods: ready + starting + pending - notCreated,
  };
}
