import { isGpu } from '../cluster/capacity-gpu.js';
import { deletionCosts, type LoadedPod } from '../cluster/deletion-cost.js';
import { writeDeletionCosts } from '../cluster/deletion-cost-writer.js';
import type { Log } from '../cluster/log.js';
import type { Writer } from '../cluster/write.js';
import type { Observation } from '../core/observation.js';
import { weigh } from '../core/read.js';
import type { Millis } from '../core/time.js';
import type { Cluster } from '../ports/cluster.js';
import type { Pod } from '../ports/cluster-objects.js';
import type { Registry } from './registry.js';
import type { Workload } from './workload.js';

interface Parts {
  readonly cluster: Cluster;
  readonly registry: Pick<Registry, 'named'>;
  readonly writer: Writer;
  readonly log: Log;
}

/**
 * Marks which replicas should go first, for workloads that are about to lose some: the HPA takes them within its next
 * syncs, and to keep the marks of all others would be requests to the API server for nothing.
 */
export class DeletionCosts {
  readonly #parts: Parts;
  /** Loads by pod of the triggers that want fewer replicas than there are. */
  readonly #shrinking = new Map<Workload, ReadonlyMap<string, number>>();
  #failures: readonly string[] = [];

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  noteDecision(workload: Workload, observation: Observation, now: Millis): void {
    const { decision } = workload;
    const shrinks =
      decision !== null && decision.verdict === 'fresh' && decision.desired < decision.replicas.current;
    if (shrinks && decision.desired > 0) this.#shrinking.set(workload, loadsOf(workload, observation, now));
    else this.#shrinking.delete(workload);
  }

  /** Never rejects; at most so many pods are written in one round as the writer allows. */
  async round(): Promise<void> {
    const shrinking = [...this.#shrinking.keys()];
    // What is decided anew is noted anew; what nobody asks about any more must not stay.
    const loads = new Map(this.#shrinking);
    this.#shrinking.clear();
    const seen = new Set<string>();
    for (const workload of shrinking) {
      const { namespace, name } = workload;
      const id = `${namespace}/${name}`;
      const triggers = this.#parts.registry.named(namespace, name);
      // KEDA takes the largest of its triggers.
      if (seen.has(id) || !triggers.every((each) => loads.has(each))) continue;
      seen.add(id);
      await this.#mark(namespace, name, merged(triggers.map((each) => loads.get(each) ?? new Map())));
    }
  }

  async #mark(namespace: string, name: string, loads: ReadonlyMap<string, number>): Promise<void> {
    const { cluster, writer, log } = this.#parts;
    const [own, all] = [cluster.podsOf(namespace, name), cluster.pods()];
    if (own === null || all.kind === 'unknown' || loads.size === 0) return;
    const changes = deletionCosts(
      own.flatMap((pod) => loadedPod(pod, loads)),
      othersOf(own, all.items),
    );
    if (changes.length === 0) return;
    const { written, failures } = await writeDeletionCosts(writer, changes);
    if (written.length > 0)
      log.info({ workload: `${namespace}/${name}`, pods: written.length }, 'deletion costs were set');
    for (const why of failures)
      if (!this.#failures.includes(why)) log.warn({ why }, 'a deletion cost could not be set; tried again');
    this.#failures = failures;
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

function merged(all: readonly ReadonlyMap<string, number>[]): ReadonlyMap<string, number> {
  const loads = new Map<string, number>();
  for (const each of all) for (const [pod, load] of each) loads.set(pod, Math.max(loads.get(pod) ?? 0, load));
  return loads;
}

function loadedPod(pod: Pod, loads: ReadonlyMap<string, number>): LoadedPod[] {
  const { namespace, name, node, deletionCost, deleting, ready } = pod;
  if (node === null || deleting || !ready) return [];
  return [{ namespace, name, node, load: loads.get(name) ?? null, cost: deletionCost ?? null }];
}

/** GPU pods of others on the nodes of these. */
function othersOf(own: readonly Pod[], all: readonly Pod[]): ReadonlyMap<string, number> {
  const nodes = new Set(own.map(({ node }) => node));
  const mine = new Set(own.map(({ uid }) => uid));
  const others = new Map<string, number>();
  for (const { node, uid, requests } of all) {
    if (node === null || !nodes.has(node) || mine.has(uid)) continue;
    if (Object.keys(requests).some(isGpu)) others.set(node, (others.get(node) ?? 0) + 1);
  }
  return others;
}
