import type { Millis } from '../core/time.js';
import { createStarts } from '../policy/starts.js';
import type { Clock } from '../ports/clock.js';
import type { DeadWarmUp, ReplicaPlace, WarmUpStatus } from '../ports/warm-up.js';
import type { WarmUpQueue } from '../ports/warm-up-queue.js';
import type { Log } from '../warmup/log.js';
import {
  NO_DOUBTS,
  plan,
  type Plan,
  type PlannerAction,
  type PlannerState,
} from '../warmup/planner/planner.js';
import type { Registry } from './registry.js';
import { inSlices } from './slices.js';
import { wasEditedAway } from './still-asked.js';
import { lineKey, type Ledgers } from './warm-up-ledgers.js';
import { needsOf } from './warm-up-needs.js';
import type { Workload } from './workload.js';
import { grouped } from '../warmup/grouped.js';

interface Parts {
  readonly queue: WarmUpQueue;
  readonly ledgers: Ledgers;
  readonly registry: Registry;
  readonly placeOf: (id: string) => ReplicaPlace;
  readonly mostOf: (workload: Workload) => number | null;
  readonly clock: Clock;
  readonly log: Log;
}

/** So many changes go to the store at once. */
const AT_ONCE = 16;

/**
 * The planner's rounds: windows and forecasts of all workloads that KEDA asks about here. Two scaler replicas on one store
 * plan the same, which is planned once.
 */
export class WarmUpPlanner {
  readonly #parts: Parts;
  readonly #startsOf = createStarts();
  #doubts = new Map<string, PlannerState>();

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Rejects when the store does not answer: the next round begins anew. */
  async round(): Promise<void> {
    const { queue, ledgers, registry, clock } = this.#parts;
    const known = queue.known();
    const workloads = [...registry.all()];
    await ledgers.read(begunOf(known), workloads);
    const byWorkload = grouped(known, ({ warmUp }) => warmUp.workload);
    const dead = grouped(await queue.dead(), ({ status }) => status.warmUp.workload);
    const doubts = new Map<string, PlannerState>();
    const actions: PlannerAction[] = [];
    await inSlices(workloads, (workload) => {
      const planned = this.#plan(workload, byWorkload, dead.get(workload.id) ?? [], clock.now());
      if (planned === null) return;
      actions.push(...planned.actions);
      if (Object.keys(planned.state.doubtedSince).length > 0) doubts.set(workload.id, planned.state);
    });
    this.#doubts = doubts;
    for (let from = 0; from < actions.length; from += AT_ONCE)
      await Promise.all(actions.slice(from, from + AT_ONCE).map((action) => this.#act(action)));
  }

  #plan(
    workload: Workload,
    byWorkload: ReadonlyMap<string, readonly WarmUpStatus[]>,
    dead: readonly DeadWarmUp[],
    now: Millis,
  ): Plan | null {
    const { decision, trigger, id, namespace, name } = workload;
    const { policy } = trigger;
    const existing = byWorkload.get(id) ?? [];
    const siblings = this.#parts.registry.named(namespace, name);
    if (wasEditedAway(workload, siblings, now)) return cancelled(existing);
    if (decision === null || policy.dryRun || (existing.length === 0 && !isPlanned(workload))) return null;
    const leadTime = this.#parts.ledgers.leadTimeOf(workload) ?? policy.leadTime;
    const needs = needsOf({
      workload: id,
      // Not its minimum: one that a warm-up has lifted would make that warm-up look unneeded.
      policy: { ...policy, maxReplicas: this.#parts.mostOf(workload) },
      leadTime,
      decision,
      existing,
      ofSiblings: siblings.flatMap((each) => byWorkload.get(each.id) ?? []),
      now,
      startsOf: this.#startsOf,
    });
    const terms = { leadTime, ...this.#parts.placeOf(`${namespace}/${name}`) };
    return plan(this.#doubts.get(id) ?? NO_DOUBTS, { needs, terms, existing, dead, now });
  }

  async #act(action: PlannerAction): Promise<void> {
    const { queue, log } = this.#parts;
    if (action.do === 'cancel') {
      if (await queue.cancel(action.id))
        log.info({ warmUp: action.id, why: action.why }, 'a warm-up was cancelled');
      return;
    }
    const { id, workload, replicas, why, expectedCost } = action.warmUp;
    const planned = await queue.plan(action.warmUp);
    const details = { warmUp: id, workload, replicas, why, gpuSeconds: Math.round(expectedCost) };
    if (planned.kind === 'refused') log.warn({ ...details, refused: planned.why }, 'a warm-up was refused');
    else if (planned.kind !== 'same' && planned.kind !== 'dead')
      log.info(
        { ...details, ...(action.do === 'replace' ? { change: action.why } : {}) },
        `a warm-up was ${planned.kind}`,
      );
  }
}

/** Of a trigger that is no more: another has taken its place, and plans for itself. */
function cancelled(existing: readonly WarmUpStatus[]): Plan {
  const why = 'its trigger was edited away';
  return { actions: existing.map(({ warmUp: { id } }) => ({ do: 'cancel', id, why })), state: NO_DOUBTS };
}

/** Whether the planner ever wants a warm-up of it. */
function isPlanned({ trigger: { policy } }: Workload): boolean {
  return policy.forecast !== 'off' || (policy.schedule?.warm.length ?? 0) > 0;
}

function begunOf(known: readonly WarmUpStatus[]): Map<string, Set<string>> {
  const begun = new Map<string, Set<string>>();
  for (const { warmUp, phase, plannedAt } of known) {
    if (phase === 'planned') continue;
    const keys = begun.get(warmUp.workload) ?? new Set();
    begun.set(warmUp.workload, keys.add(lineKey(warmUp.id, plannedAt)));
  }
  return begun;
}
