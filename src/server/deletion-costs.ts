import { isGpu } from '../cluster/capacity-gpu.js';
import { deletionCosts, type LoadedPod } from '../cluster/deletion-cost.js';
import { writeDeletionCosts } from '../cluster/deletion-cost-writer.js';
import type { Log } from '../cluster/log.js';
import { targetKind } from '../cluster/model.js';
import type { Writer } from '../cluster/write.js';
import type { Observation } from '../core/observation.js';
import { weigh } from '../core/read.js';
import type { Millis } from '../core/time.js';
import type { Cluster } from '../ports/cluster.js';
import type { Pod } from '../ports/cluster-objects.js';
import { idOf } from './gpu-asks.js';
import type { Registry } from './registry.js';
import { inSlices } from './slices.js';
import { stillAsked } from './still-asked.js';
import type { Workload } from './workload.js';

interface Parts {
  readonly cluster: Pick<Cluster, 'scaledObject' | 'podsOf' | 'pods'>;
  readonly registry: Pick<Registry, 'named'>;
  readonly writer: Writer;
  /** Aborted when the server stops: what has begun is ended, and nothing more is begun. */
  readonly stop: AbortSignal;
  readonly log: Pick<Log, 'info' | 'warn'>;
}

/** A round must not become a flood: what is left comes with the next. */
const MOST_WRITES = 100;
/** Reasons may name a pod, and then there are as many. */
const MOST_LINES = 5;

/** What one round does, as far as it has come. */
interface Round {
  /** GPU pods of all workloads. */
  readonly gpuPods: ReadonlyMap<string, number>;
  /** Namespaces whose pods may not be patched. */
  readonly refused: Set<string>;
  /** By their reason, with the first pod that has it. */
  readonly failures: Map<string, string>;
  writesLeft: number;
  pods: number;
}

/**
 * Marks which replicas should go first, for workloads that are about to lose some: the HPA takes them within its next
 * syncs, and to keep the marks of all others would be requests to the API server for nothing.
 */
export class DeletionCosts {
  readonly #parts: Parts;
  /** Loads by pod of the triggers that want fewer replicas than there are. */
  readonly #shrinking = new Map<Workload, ReadonlyMap<string, number>>();
  /** Whose turn was next when a round had no writes left, as `namespace/name`; null: all had theirs. */
  #next: string | null = null;
  /** Why writes failed in the last round that had any. */
  #said: ReadonlySet<string> = new Set();

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  noteDecision(workload: Workload, observation: Observation, now: Millis): void {
    const { decision, trigger } = workload;
    const shrinks =
      decision !== null && decision.verdict === 'fresh' && decision.desired < decision.replicas.current;
    if (shrinks && decision.desired > 0 && !trigger.policy.dryRun)
      this.#shrinking.set(workload, loadsOf(workload, observation, now));
    else this.#shrinking.delete(workload);
  }

  /** Never rejects, writes at most a hundred pods, and gives the event loop its turn after every workload. */
  async round(): Promise<void> {
    // What is decided anew is noted anew; what nobody asks about any more must not stay.
    const loads = new Map(this.#shrinking);
    this.#shrinking.clear();
    if (loads.size === 0) return;
    const pods = this.#parts.cluster.pods();
    if (pods.kind === 'unknown') return;
    const gpuPods = await gpuPodsByNode(pods.items);
    const round: Round = {
      gpuPods,
      refused: new Set(),
      failures: new Map(),
      writesLeft: MOST_WRITES,
      pods: 0,
    };
    const ids = new Map([...loads.keys()].map((workload) => [idOf(workload), workload]));
    for (const [id, { namespace, name }] of startingAt(this.#next, [...ids])) {
      this.#next = id;
      if (round.writesLeft === 0 || this.#parts.stop.aborted) break;
      this.#next = null;
      if (!round.refused.has(namespace)) await this.#mark(namespace, name, loads, round);
      await new Promise(setImmediate);
    }
    this.#report(round);
  }

  async #mark(
    namespace: string,
    name: string,
    loads: ReadonlyMap<Workload, ReadonlyMap<string, number>>,
    round: Round,
  ): Promise<void> {
    const { cluster, registry, writer } = this.#parts;
    const facts = cluster.scaledObject(namespace, name);
    // Only a ReplicaSet reads them.
    if (facts === null || facts.paused || targetKind(facts.target.kind) !== 'deployment') return;
    const triggers = stillAsked(registry.named(namespace, name));
    // KEDA takes the largest of its triggers.
    if (!triggers.every((each) => loads.has(each))) return;
    const merged = mergedOf(triggers.map((each) => loads.get(each) ?? new Map()));
    const own = cluster.podsOf(namespace, name);
    if (own === null || merged.size === 0) return;
    const pods = own.flatMap((pod) => loadedPod(pod, merged));
    const changes = deletionCosts(pods, othersOf(own, round.gpuPods)).slice(0, round.writesLeft);
    const { written, failures, ends } = await writeDeletionCosts(writer, changes);
    for (const { why, pod } of failures) if (!round.failures.has(why)) round.failures.set(why, pod);
    if (ends === 'namespace') round.refused.add(namespace);
    const tried = ends === undefined ? changes.length : written.length + 1;
    round.writesLeft = ends === 'all' ? 0 : round.writesLeft - tried;
    round.pods += written.length;
  }

  #report({ pods, failures }: Round): void {
    const { log } = this.#parts;
    if (pods > 0) log.info({ pods }, 'deletion costs were set');
    const fresh = [...failures].filter(([why]) => !this.#said.has(why));
    for (const [why, pod] of fresh.slice(0, MOST_LINES))
      log.warn({ why, pod }, 'a deletion cost could not be set; tried again');
    if (pods > 0 || failures.size > 0) this.#said = new Set(failures.keys());
  }
}

/** Share of its target that a pod carries, of the signal that it carries most of. Signals without pods say nothing. */
function loadsOf({ trigger }: Workload, { readings }: Observation, now: Millis): Map<string, number> {
  const loads = new Map<string, number>();
  for (const [index, signal] of trigger.policy.signals.entries()) {
    const reading = readings[index];
    const evidence = reading === undefined ? null : weigh(reading, signal, now);
    if (evidence?.kind !== 'fresh') continue;
    for (const { pod, value } of evidence.samples)
      if (pod !== null) loads.set(pod, Math.max(loads.get(pod) ?? 0, value / signal.target));
  }
  return loads;
}

function mergedOf(all: readonly ReadonlyMap<string, number>[]): ReadonlyMap<string, number> {
  const loads = new Map<string, number>();
  for (const each of all) for (const [pod, load] of each) loads.set(pod, Math.max(loads.get(pod) ?? 0, load));
  return loads;
}

function loadedPod(pod: Pod, loads: ReadonlyMap<string, number>): LoadedPod[] {
  const { namespace, name, node, deletionCost, deleting, ready } = pod;
  if (node === null || deleting || !ready) return [];
  return [{ namespace, name, node, load: loads.get(name) ?? null, cost: deletionCost ?? null }];
}

async function gpuPodsByNode(pods: readonly Pod[]): Promise<ReadonlyMap<string, number>> {
  const byNode = new Map<string, number>();
  await inSlices(pods, (pod) => {
    if (pod.node !== null && wantsGpu(pod)) byNode.set(pod.node, (byNode.get(pod.node) ?? 0) + 1);
  });
  return byNode;
}

/** GPU pods of others on the nodes of these. */
function othersOf(own: readonly Pod[], gpuPods: ReadonlyMap<string, number>): ReadonlyMap<string, number> {
  const others = new Map<string, number>();
  for (const pod of own) {
    if (pod.node === null) continue;
    const count = others.get(pod.node) ?? gpuPods.get(pod.node) ?? 0;
    // A pod of these may have come since all were counted.
    others.set(pod.node, wantsGpu(pod) ? Math.max(0, count - 1) : count);
  }
  return others;
}

function wantsGpu({ requests }: Pod): boolean {
  return Object.keys(requests).some(isGpu);
}

/** In their order, and round again to those before it. */
function startingAt<T>(id: string | null, items: readonly (readonly [string, T])[]) {
  const from = Math.max(
    0,
    items.findIndex(([each]) => each === id),
  );
  return [...items.slice(from), ...items.slice(0, from)];
}
