import type { Observation, Reading, Sample, ScaledObjectSettings } from '../core/observation.js';
import type { Millis } from '../core/time.js';
import type { Profile } from '../policy/profile.js';
import type { ScaledObjectFacts } from '../ports/cluster.js';
import type { Workloads } from '../ports/workloads.js';
import type { Board, Known } from './board.js';
import { aliveQuestion, questionFor, type Asked, type Scrapable, type Sources } from './questions.js';
import type { Workload } from './workload.js';

/** The HPA syncs every 15 s: this many milliseconds without it are four syncs missed. */
const HPA_SILENT_AFTER: Millis = 65_000;
/** Two polls missed, and a moment for the second to be late. */
const LATE_POLL: Millis = 5000;

/** What one workload's signals are read with; the wake signal only while the last decision asked for it. */
export interface Inquiry {
  /** Null: not known. */
  readonly scaledObject: ScaledObjectFacts | null;
  readonly signals: readonly Asked[];
  readonly wake: Asked | null;
  /** For workloads that forecast, the requests that leave their pods. */
  readonly served: Asked | null;
}

export function inquire(
  workload: Workload,
  scaledObject: ScaledObjectFacts | null,
  sources: Sources,
  direct: Scrapable,
): Inquiry {
  const { profiles, wake } = workload.trigger;
  const served = servedOf(workload);
  const needsWake = workload.decision?.needsWake ?? true;
  return {
    scaledObject,
    signals: profiles.map((profile) => questionFor(workload, profile, sources, direct)),
    wake: wake !== null && needsWake ? questionFor(workload, wake, sources, direct) : null,
    served: served === null ? null : questionFor(workload, served, sources, direct),
  };
}

/** Puts together what the board knows of one workload. */
export function observe(
  workload: Workload,
  inquiry: Inquiry,
  board: Board,
  workloads: Workloads,
  now: Millis,
): Observation {
  const { profiles, wake } = workload.trigger;
  const { scaledObject } = inquiry;
  const readings = inquiry.signals.map((asked, index) => {
    const profile = profiles[index];
    return profile === undefined ? unread : reading(workload, profile, asked, board);
  });
  return {
    readings,
    wake: wake === null || inquiry.wake === null ? unread : reading(workload, wake, inquiry.wake, board),
    replicas: workloads.replicas(workload.target),
    hpaAsks: hpaAsks(workload, now),
    kedaAsks: now - workload.askedAt < kedaSilentAfter(scaledObject),
    ...(scaledObject === null ? {} : { scaledObject: settingsOf(scaledObject) }),
  };
}

/** Without knowing how often it polls, it is taken to poll at least as often as the HPA's silence takes to mean something. */
function kedaSilentAfter(scaledObject: ScaledObjectFacts | null): Millis {
  return Math.max(HPA_SILENT_AFTER, 2 * (scaledObject?.pollingInterval ?? 0) + LATE_POLL);
}

function settingsOf(facts: ScaledObjectFacts): ScaledObjectSettings {
  const { minReplicas, maxReplicas, idleReplicas, tolerance } = facts;
  return { minReplicas, maxReplicas, idleReplicas, tolerance };
}

/** The requests that have left each pod so far, as far as the board knows. */
export function observeServed(workload: Workload, { served }: Inquiry, board: Board): Reading {
  const profile = servedOf(workload);
  return profile === null || served === null ? unread : reading(workload, profile, served, board);
}

function servedOf({ foresight }: Workload): Profile | null {
  return foresight?.kind === 'foreseeing' ? foresight.served : null;
}

/** While nobody calls at all, it is KEDA that is away, and the HPA's silence says nothing: what was known last stands. */
function hpaAsks({ askedAt, hpaAskedAt }: Workload, now: Millis): boolean {
  return hpaAskedAt !== null && Math.min(now, askedAt) - hpaAskedAt < HPA_SILENT_AFTER;
}

/** Whether a pod that has reported, or any at all, is silent, so that it is worth asking whether it is up. */
export function hasSilentPods(workload: Workload, asked: Asked, board: Board): boolean {
  if (!('key' in asked)) return false;
  const known = board.known(asked.key);
  if (known === null || known.failure !== null) return false;
  const samples = samplesOf(workload, asked.request.profile, known);
  return samples.length === 0 || samples.length < Object.keys(workload.state.pods).length;
}

const unread: Reading = { kind: 'unread' };

function reading(workload: Workload, profile: Profile, asked: Asked, board: Board): Reading {
  if ('cannot' in asked) return { kind: 'failed', samples: [], why: asked.cannot };
  if ('noTarget' in asked) return { kind: 'answered', samples: [], exists: true };
  const known = board.known(asked.key);
  if (known === null) return unread;
  const samples = samplesOf(workload, profile, known);
  if (known.failure !== null) return { kind: 'failed', samples, why: known.failure };
  const alive = aliveQuestion(asked);
  const up = alive === null ? null : board.known(alive.key);
  const silent = up === null || up.failure !== null ? [] : idleSamples(workload, samples, up);
  const all = silent.length === 0 ? samples : [...samples, ...silent];
  return { kind: 'answered', samples: all, exists: known.index?.exists ?? false };
}

function samplesOf(workload: Workload, profile: Profile, { index }: Known): readonly Sample[] {
  if (index === null) return [];
  const { target, trigger } = workload;
  switch (profile.series) {
    case 'pod':
      return index.pods(target, profile.model === undefined ? null : trigger.model);
    case 'service':
      return index.service(target.namespace, trigger.service ?? target.name);
    case 'queue':
    case 'workload':
      return index.all();
  }
}

/** Pods that are up and have no value: 0, as of the moment that proved them up. */
function idleSamples(workload: Workload, samples: readonly Sample[], up: Known): Sample[] {
  const alive = up.index?.pods(workload.target, null) ?? [];
  if (alive.length === 0) return [];
  const reporting = new Set(samples.map((sample) => sample.pod));
  return alive.filter((sample) => !reporting.has(sample.pod)).map(({ pod, at }) => ({ pod, value: 0, at }));
}
