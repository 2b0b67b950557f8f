import { arrivalsSince, LEAST_APART, type LoadSeen } from '../core/forecast/arrivals.js';
import type { Forecast } from '../core/forecast/forecast.js';
import { createForesight, foresee, see, type Foresight } from '../core/forecast/foresight.js';
import { planLoad, type LoadPlan, type LoadRole } from '../core/forecast/load-plan.js';
import { loadNow, type LoadNow } from '../core/forecast/load.js';
import { BEAT, workPerRequest } from '../core/forecast/settings.js';
import type { Advice, Observation, Reading } from '../core/observation.js';
import type { Policy, SignalPolicy } from '../core/policy.js';
import { weigh, type Evidence } from '../core/read.js';
import { inWords, MINUTE, type Millis } from '../core/time.js';
import type { Profile } from '../policy/profile.js';
import { servedProfile } from '../policy/beside-signal.js';
import type { Trigger } from '../policy/trigger.js';
import type { ForecastView } from '../ports/workload-views.js';
import type { Workload } from './workload.js';

/** What one workload's forecast is made of; `none` where its trigger wants one and there cannot be any. */
export type WorkloadForesight = Foreseeing | { readonly kind: 'none'; readonly why: string };

export interface Foreseeing {
  readonly kind: 'foreseeing';
  readonly plan: LoadPlan;
  /** What is asked for the requests that leave the pods; null: nothing. */
  readonly served: Profile | null;
  readonly wakeRole: LoadRole;
  /** The trigger's own. */
  readonly maxReplicas: number;
  /** Replaced by the one of before a restart, before anything has been seen. */
  foresight: Foresight;
  seen: LoadSeen | null;
  last: { readonly forecast: Made | null; readonly at: Millis; readonly current: number } | null;
}

/** What the core is told, and the figures behind it. */
type Made = Advice & Forecast;

/** @returns null where the trigger wants no forecast */
export function newForesight(trigger: Trigger): WorkloadForesight | null {
  const { policy, profiles, wake } = trigger;
  if (policy.forecast === 'off') return null;
  const plan = planLoad(
    profiles.map((profile) => ({ role: roleOf(profile), tellsServed: profile.served !== undefined })),
  );
  const names = profiles.map(({ name }) => name).join(', ');
  if (plan === null)
    return none(`no forecast: ${names} does not tell how many requests come; add a signal that counts them`);
  const foresight = createForesight(policy);
  if (foresight === null) return none(`the forecast waits for ${missing(policy)} in the trigger`);
  const asked = plan.served === null ? undefined : profiles[plan.served];
  return {
    kind: 'foreseeing',
    plan,
    served: asked === undefined ? null : servedProfile(asked),
    wakeRole: wake === null ? 'none' : roleOf(wake),
    maxReplicas: foresight.settings.maxReplicas,
    foresight,
    seen: null,
    last: null,
  };
}

function none(why: string): WorkloadForesight {
  return { kind: 'none', why };
}

function missing({ slo, slots, serviceTime }: Policy): string {
  const keys = { slo, slots, serviceTime };
  const absent = Object.entries(keys).flatMap(([key, value]) => (value === null ? [key] : []));
  return absent.join(' and ');
}

function roleOf({ simulate, unit }: Profile): LoadRole {
  switch (simulate) {
    case 'concurrency':
      return 'inSystem';
    case 'queue':
      return 'waiting';
    case 'running':
      return 'running';
    case 'arrivals':
      return 'arrivals';
    case 'utilisation':
    case 'dutyCycle':
      // What a full replica has in another unit is not known.
      return fullOf(unit) === null ? 'none' : 'busy';
    case 'queueTime':
    case 'queueComputeRatio':
      return 'none';
  }
}

function fullOf(unit: string): number | null {
  return unit === 'percent' ? 100 : unit === 'ratio' ? 1 : null;
}

/**
 * Takes what is new of the load, and says what the forecast asks for.
 *
 * @param served what was read of the requests that leave the pods
 * @param leadTime as given or as learned by now
 */
export function advise(
  workload: Workload,
  observation: Observation,
  served: Reading,
  leadTime: Millis,
  now: Millis,
): Advice | null {
  const { foresight: foreseeing } = workload;
  if (foreseeing?.kind !== 'foreseeing') return null;
  const { settings } = foreseeing.foresight;
  const ofKeda = Math.max(1, observation.scaledObject?.maxReplicas ?? Infinity);
  const maxReplicas = Math.min(foreseeing.maxReplicas, ofKeda);
  if (leadTime !== settings.leadTime || maxReplicas !== settings.maxReplicas)
    foreseeing.foresight = { ...foreseeing.foresight, settings: { ...settings, leadTime, maxReplicas } };
  const isNew = look(workload, foreseeing, observation, served, now);
  const current = currentOf(workload, observation);
  const { last } = foreseeing;
  const stands =
    last !== null && !isNew && last.current === current && now >= last.at && now - last.at < BEAT;
  if (!stands) foreseeing.last = { forecast: foreseen(workload, foreseeing, current, now), at: now, current };
  const made = foreseeing.last?.forecast ?? null;
  if (made === null) return null;
  const { replicas, why, standsBack } = made;
  return standsBack === true ? { replicas, why, standsBack } : { replicas, why };
}

/** Replicas of the cluster, else what was asked for. */
function currentOf({ state, decision }: Workload, { replicas }: Observation): number {
  return replicas?.current ?? state.asked ?? decision?.replicas.current ?? 0;
}

/** Without news of the load for as long as a decision stands while blind, the past says nothing of now. */
function foreseen(
  { trigger }: Workload,
  { foresight }: Foreseeing,
  current: number,
  now: Millis,
): Made | null {
  if (isSilent(foresight.memory.seenUntil, trigger.policy, now)) return null;
  return foresee(foresight, current, now);
}

function isSilent(seenUntil: Millis | null, { holdFor }: Policy, now: Millis): boolean {
  return seenUntil === null || now - seenUntil > Math.max(holdFor, 2 * MINUTE);
}

/** True when there was something new. */
function look(
  workload: Workload,
  foreseeing: Foreseeing,
  observation: Observation,
  served: Reading,
  now: Millis,
): boolean {
  if (foreseeing.seen !== null && now - foreseeing.seen.at < LEAST_APART) return false;
  const load = loadOf(workload, foreseeing, observation, served, now);
  if (load === null) return false;
  const { seen, sample } = arrivalsSince(foreseeing.seen, load);
  foreseeing.seen = seen;
  if (sample !== null) see(foreseeing.foresight, sample);
  return sample !== null;
}

function loadOf(
  workload: Workload,
  { plan, foresight, wakeRole, seen }: Foreseeing,
  { readings, wake, replicas }: Observation,
  served: Reading,
  now: Millis,
): LoadNow | null {
  const { policy, profiles } = workload.trigger;
  const weighed = (reading: Reading | undefined, signal: SignalPolicy | null | undefined): Evidence =>
    reading === undefined || !signal ? { kind: 'unread' } : weigh(reading, signal, now);
  const known = {
    signals: policy.signals.map((signal, index) => weighed(readings[index], signal)),
    served: weighed(served, plan.served === null ? null : policy.signals[plan.served]),
    wake: weighed(wake, policy.wake),
    wakeRole,
    replicas,
    current: workload.state.asked ?? 0,
    full: (plan.busy === null ? null : fullOf(profiles[plan.busy]?.unit ?? '')) ?? 1,
  };
  return loadNow(plan, known, seen?.counted ?? new Map(), foresight.settings, now);
}

const NOTHING_SEEN = {
  beats: 0,
  seenSince: null,
  seenUntil: null,
  requestsPerSecond: 0,
  caveat: null,
  forecast: null,
} as const;

/** The forecast as the console, the metrics and `explain` see it; null where the trigger wants none. */
export function forecastView({ foresight: foreseeing, trigger }: Workload): ForecastView | null {
  if (foreseeing === null) return null;
  if (foreseeing.kind === 'none') return { ...NOTHING_SEEN, why: foreseeing.why };
  const { memory, settings } = foreseeing.foresight;
  const { beat: beats, seenUntil } = memory;
  const made = foreseeing.last?.forecast ?? null;
  return {
    beats,
    seenSince: seenUntil === null ? null : seenUntil - beats * BEAT,
    seenUntil,
    requestsPerSecond: memory.averages.minute / workPerRequest(settings),
    caveat: caveatOf(foreseeing.plan, trigger),
    forecast: made === null ? null : figuresOf(made),
    why: made?.why ?? whyNone(foreseeing, trigger.policy),
  };
}

function figuresOf(made: Made): ForecastView['forecast'] {
  const { replicas, chance, nextChance, worthFrom, price, standsBack = false } = made;
  return { replicas, chance, nextChance, worthFrom, price, standsBack };
}

function whyNone({ foresight: { memory }, last }: Foreseeing, policy: Policy): string {
  if (memory.seenUntil === null) return 'no load has been seen yet';
  if (last !== null && isSilent(memory.seenUntil, policy, last.at))
    return `the load has not been seen for ${inWords(last.at - memory.seenUntil)}`;
  return `too little has been seen: ${inWords(memory.beat * BEAT)} of load`;
}

function caveatOf({ caveat, inSystem }: LoadPlan, { profiles }: Trigger): string | null {
  const isQuery = inSystem !== null && 'fromTrigger' in (profiles[inSystem]?.prometheus ?? {});
  return isQuery ? "the trigger's query is taken for the requests that wait and run" : caveat;
}
