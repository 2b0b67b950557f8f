import { deadlineDemand, type Backlog, type DeadlineDemand } from './backlog.js';
import { watchForBurst } from './burst.js';
import type { SignalReport, Stage, StageName, Verdict } from './decision.js';
import { signalDemand, type Demand } from './demand.js';
import type { Moment } from './moment.js';
import type { Weighed } from './read.js';
import { reportAbsence, reportSignal, reportWake } from './report.js';
import type { State } from './state.js';
import { inWords, type Millis } from './time.js';
import { wakeReplicas } from './wake.js';

/** What the signals come to, before bounds and windows. */
export interface Recommendation {
  readonly replicas: number;
  /** Replicas that were wanted where there is no room for all of them; else absent. */
  readonly wanted?: number;
  readonly verdict: Verdict;
  readonly active: boolean;
  readonly stages: readonly Stage[];
  readonly reports: readonly SignalReport[];
  /** Raw values for `output: signal`. */
  readonly raw: readonly number[];
  readonly carry: Pick<State, 'loads' | 'burst'>;
  /** Absent where the trigger has no deadline. */
  readonly backlog?: Backlog | null;
  /** Why nothing may scale down, though some signals speak; else absent. */
  readonly silence?: string;
}

export function recommend(moment: Moment): Recommendation {
  switch (moment.situation) {
    case 'reporting':
      return byDemand(moment);
    case 'zero':
    case 'starting':
    case 'unknown':
      return byWake(moment);
    case 'blind':
      return byHolding(moment);
  }
}

/** Stages 3 to 5: the largest demand, never less than what runs while one of the signals is silent. */
function byDemand(moment: Moment): Recommendation {
  const { signals, policy, replicas, state, now } = moment;
  const due = dueOf(moment);
  const demands = signals.map((each) => (each === due?.of ? due.demand : demandOf(moment, each)));
  const heard = demands.filter((each) => each !== null);
  const silence = silenceOf(moment, signals.length - heard.length);
  const largest = heard.reduce((a, b) => (b.replicas > a.replicas ? b : a));
  const idle = heard.every((each) => each.idle);
  const asked = idle ? 0 : Math.max(1, largest.replicas);
  const stages: Stage[] = [stage('demand', asked, largest.why), ...onLastValues(moment, asked)];
  if (due !== null && due.late !== null) stages.push(stage('deadline', asked, due.late));
  const safe = silence === null ? asked : Math.max(asked, standingReplicas(moment));
  if (silence !== null && safe > asked) stages.push(stage('absence', safe, silence));
  if (replicas.starting > 0) {
    stages.push(stage('coming', safe, `${replicas.starting} asked for and not ready yet count as capacity`));
  }
  const load = Math.max(...heard.map((each) => each.demand));
  const burst = watchForBurst(state, load, safe, replicas.current, now);
  const wanted = policy.burst ? Math.max(safe, burst.holds) : safe;
  if (wanted > safe) stages.push(stage('burst', wanted, burst.why));
  return {
    replicas: wanted,
    verdict: 'fresh',
    active: wanted > 0,
    stages,
    reports: [
      ...signals.map((each, index) => reportSignal(each, demands[index] ?? null)),
      ...wakeReports(moment),
    ],
    raw: demands.map((each, index) => each?.total ?? state.raw[index] ?? 0),
    carry: burst.state,
    ...(due === null ? {} : { backlog: due.backlog }),
    ...(silence === null ? {} : { silence }),
  };
}

/** The first backlog that there is data of, where the trigger has a deadline. */
function dueOf(moment: Moment): (DeadlineDemand & { readonly of: Weighed }) | null {
  const { deadline } = moment.policy;
  if (deadline === null) return null;
  for (const each of moment.signals) {
    const { signal, evidence } = each;
    if (signal.backlog !== true) continue;
    const idle = evidence.kind === 'idle' ? demandOf(moment, each) : null;
    if (idle !== null) return { of: each, demand: idle, backlog: null, late: null };
    if (evidence.kind !== 'fresh') continue;
    return { of: each, ...deadlineDemand(moment, signal, evidence.samples, deadline) };
  }
  return null;
}

function demandOf({ policy, replicas }: Moment, { signal, evidence }: Weighed): Demand | null {
  if (evidence.kind === 'idle')
    return { raw: 0, total: 0, demand: 0, replicas: 0, idle: true, why: evidence.why };
  if (evidence.kind !== 'fresh') return null;
  const reporting = evidence.samples.filter((sample) => sample.pod !== null).length;
  // A pod that reports another profile's signal but not this one is missing here.
  const missing = reporting === 0 ? 0 : replicas.missing + replicas.reporting - reporting;
  return signalDemand(signal, evidence.samples, { ...replicas, missing }, policy.tolerance);
}

/** Said with every decision that rests on what a failing source said last. */
function onLastValues({ signals }: Moment, replicas: number): Stage[] {
  return signals.flatMap(({ evidence }) =>
    evidence.kind === 'fresh' && evidence.failing !== null
      ? [stage('read', replicas, `on values up to ${inWords(evidence.age)} old: ${evidence.failing}`)]
      : [],
  );
}

/**
 * Why nothing may scale down, if so: a signal is silent, or a pod that nobody knows to be gone. With cluster access it is
 * known to run, and counting it at the target is enough; without, what is lowered on its account would count it as gone
 * at the next tick, and the one after, down to zero.
 */
function silenceOf(moment: Moment, silentSignals: number): string | null {
  if (silentSignals > 0) return `${whySilent(moment)}: no scale-down without it`;
  const { replicas, state, policy } = moment;
  const fellSilent = Math.min(replicas.missing, Object.keys(state.pods).length - replicas.reporting);
  if (replicas.source !== 'pods' || fellSilent === 0) return null;
  return `${fellSilent} of ${replicas.current} fell silent: no scale-down for ${inWords(policy.holdFor)} after that`;
}

/**
 * What stands while a signal is silent. At zero the pods' own signals are, and that wakes nobody. Without cluster access
 * the pods that report are no measure beside what was asked for: a rollout shows the old ones and the new.
 */
function standingReplicas({ replicas, state }: Moment): number {
  if (replicas.source !== 'cluster') return state.asked ?? Math.max(1, replicas.current);
  return replicas.current === 0 ? 0 : Math.max(replicas.current, state.asked ?? 0);
}

/** No pod reports and none has to: the wake signal speaks, and what was asked for stands while it starts. */
function byWake(moment: Moment): Recommendation {
  const { policy, state, situation, observation } = moment;
  const spoken = wakeReplicas(policy.wake, moment.wake);
  const starting =
    situation === 'starting' ? Math.max(1, state.asked ?? 0, observation.replicas?.current ?? 0) : 0;
  const replicas = Math.max(starting, spoken.replicas);
  const why = starting > 0 ? `${spoken.why}; ${starting} starting` : spoken.why;
  const at = (verdict: Verdict, reason: string): Recommendation => ({
    ...absentBase(moment),
    replicas,
    active: replicas > 0,
    verdict,
    stages: [stage('absence', replicas, reason)],
  });
  if (replicas > 0) return at('fresh', why);
  if (situation === 'unknown') {
    const isZero = spoken.kind === 'speaks' && areGone(moment);
    return isZero ? at('fresh', why) : at('blind', `${whySilent(moment)}; ${why}; absence is not zero`);
  }
  return spoken.kind === 'silent' ? at(standing(moment) ? 'held' : 'blind', why) : at('fresh', why);
}

/** The sources answer and know nothing of this workload. A source that does not answer says nothing about its pods. */
function areGone({ signals, observation }: Moment): boolean {
  return signals.every((_, index) => {
    const reading = observation.readings[index];
    return reading?.kind === 'answered' && reading.samples.length === 0;
  });
}

/** There should be data: the last decision stands for `holdFor`, and no scale-down comes of it. */
function byHolding(moment: Moment): Recommendation {
  const { policy, state, now } = moment;
  const woken = wakeReplicas(policy.wake, moment.wake);
  const held = state.asked ?? 0;
  const base = { ...absentBase(moment), raw: state.raw };
  if (state.asked === 0 && woken.replicas > 0) {
    const stages = [stage('absence', woken.replicas, `${whySilent(moment)}; ${woken.why}`)];
    return { ...base, replicas: woken.replicas, active: true, verdict: 'fresh', stages };
  }
  const stands = state.asked !== null && standing(moment);
  return {
    ...base,
    replicas: held,
    verdict: stands ? 'held' : 'blind',
    // Once blind, a push of `true` can still wake what somebody scaled to zero by hand; above zero it changes nothing.
    active: stands ? held > 0 : woken.replicas > 0,
    stages: [stage('absence', held, `${whySilent(moment)}; ${howLong(state, policy.holdFor, stands, now)}`)],
  };
}

function howLong(state: State, holdFor: Millis, stands: boolean, now: Millis): string {
  if (state.asked === null) return 'replicas run, and there is no earlier decision to stand on';
  const blindFor = now - (state.blindSince ?? now);
  return stands
    ? `the last decision stands for another ${inWords(holdFor - blindFor)}`
    : `blind for ${inWords(blindFor)}, holdFor is ${inWords(holdFor)}`;
}

function standing({ state, policy, now }: Moment): boolean {
  return state.blindSince === null || now - state.blindSince <= policy.holdFor;
}

function absentBase(moment: Moment): Pick<Recommendation, 'raw' | 'reports' | 'carry'> {
  const { signals, state } = moment;
  return {
    raw: signals.map(() => 0),
    reports: [...signals.map(reportAbsence), ...wakeReports(moment)],
    carry: { loads: state.loads, burst: state.burst },
  };
}

function wakeReports({ policy, wake }: Moment): SignalReport[] {
  return policy.wake === null ? [] : [reportWake(policy.wake, wake)];
}

function whySilent({ signals }: Moment): string {
  return signals
    .flatMap(({ signal, evidence }) => {
      if (evidence.kind === 'absent') return [evidence.why];
      return evidence.kind === 'unread' ? [`${signal.profile}: not read yet`] : [];
    })
    .join('; ');
}

export function stage(name: StageName, replicas: number, why: string): Stage {
  return { stage: name, replicas, why };
}
