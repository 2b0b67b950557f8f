import type { Events, ScaledObjectEvent, Told } from '../cluster/events.js';
import type { Log } from '../cluster/log.js';
import type { Decision } from '../core/decision.js';
import type { Observation } from '../core/observation.js';
import { inWords, type Millis } from '../core/time.js';
import type { Cluster } from '../ports/cluster.js';
import type { WarmUpStatus } from '../ports/warm-up.js';
import { scaledObjectName } from './scaled-object-name.js';
import { stillAsked } from './still-asked.js';
import type { Workload } from './workload.js';

export type Happening = Omit<ScaledObjectEvent, 'uid'>;

/**
 * Tells what matters of the decisions as events of the ScaledObject, for whoever describes it: that it woke, that it is
 * decided blindly, that a warm-up is late. What is rarer is told from elsewhere with `tell`.
 */
export class ScaledObjectEvents {
  readonly #events: Events;
  readonly #cluster: Pick<Cluster, 'scaledObject'>;
  /** What the last decision was; those of before the start are nobody's news. */
  readonly #last = new WeakMap<Workload, Pick<Decision, 'verdict' | 'desired'>>();
  /** Late warm-ups that were told of. */
  #late = new Set<string>();
  #failure: string | null = null;
  readonly #log: Pick<Log, 'warn'>;

  constructor(events: Events, cluster: Pick<Cluster, 'scaledObject'>, log: Pick<Log, 'warn'>) {
    this.#events = events;
    this.#cluster = cluster;
    this.#log = log;
  }

  /** Without the ScaledObject's uid no `kubectl describe` would show it: what the cluster does not know is not told. */
  tell(happening: Happening): void {
    const uid = this.#cluster.scaledObject(happening.namespace, happening.name)?.uid ?? null;
    if (uid !== null) void this.#events.tell({ ...happening, uid }).then((told) => this.#note(told));
  }

  /** An event that fails is not told later; why it failed is said once. */
  #note(told: Told): void {
    const failure = typeof told === 'object' ? told.failed : null;
    if (failure !== null && failure !== this.#failure)
      this.#log.warn({ why: failure }, 'an event could not be written');
    if (told !== 'held back') this.#failure = failure;
  }

  /** @param siblings all triggers of its ScaledObject, itself included; most decisions need not look them up */
  noteDecision(
    workload: Workload,
    { kedaAsks = true }: Pick<Observation, 'kedaAsks'>,
    siblings: () => readonly Workload[],
  ): void {
    const { decision, trigger } = workload;
    if (decision === null) return;
    const before = this.#last.get(workload);
    if (before?.verdict === decision.verdict && before.desired === decision.desired) return;
    this.#last.set(workload, { verdict: decision.verdict, desired: decision.desired });
    if (before === undefined || trigger.policy.dryRun) return;
    // KEDA asks one replica of the scaler, and each decides all that it was ever asked about for a while.
    if (!kedaAsks || !stillAsked(siblings()).includes(workload)) return;
    const { namespace, name } = workload;
    const tell = (type: Happening['type'], reason: string, note: string) =>
      this.tell({ namespace, name, type, reason, note });
    const [saw, sees] = [before.verdict === 'fresh', decision.verdict === 'fresh'];
    if (saw && !sees) tell('Warning', 'Blind', decision.reason);
    if (!saw && sees) tell('Normal', 'SeesAgain', decision.reason);
    if (sees && before.desired === 0 && decision.desired > 0 && isAtZero(decision))
      tell('Normal', 'Woken', `to ${decision.desired}: ${decision.reason}`);
  }

  /** @param known all warm-ups, each as it is */
  noteWarmUps(known: readonly WarmUpStatus[], now: Millis): void {
    const late = new Set<string>();
    for (const { warmUp, late: isLate, lastFailure } of known) {
      if (!isLate) continue;
      late.add(warmUp.id);
      if (this.#late.has(warmUp.id)) continue;
      const { namespace, name } = scaledObjectName(warmUp.workload);
      const why = lastFailure === null ? '' : `: ${lastFailure}`;
      const note = `${warmUp.replicas} replicas were to be ready ${inWords(now - warmUp.readyBy)} ago${why}`;
      this.tell({ namespace, name, type: 'Warning', reason: 'WarmUpLate', note });
    }
    this.#late = late;
  }
}

/**
 * What one trigger wants is new from zero while another may keep ten replicas. The decision is of before KEDA has acted on
 * it; only Kubernetes' own count says that there are none, for pods without fresh data are no proof.
 */
function isAtZero({ replicas: { source, current } }: Decision): boolean {
  return source === 'cluster' && current === 0;
}
