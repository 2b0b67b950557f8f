import { watchForBurst } from './burst.js';
import type { SignalReport, Stage, StageName, Verdict } from './decision.js';
import { signalDemand, type Demand } from './demand.js';
import type { Moment } from './moment.js';
import type { Evidence } from './read.js';
import { reportAbsence, reportDemand, reportWake } from './report.js';
import type { State } from './state.js';
import { inWords } from './time.js';
import { wakeReplicas } from './wake.js';

/** What the signals come to, before bounds and windows. */
export interface Recommendation {
  readonly replicas: number;
  readonly verdict: Verdict;
  readonly active: boolean;
  readonly stages: readonly Stage[];
  readonly reports: readonly SignalReport[];
  /** Raw values for `output: signal`. */
  readonly raw: readonly number[];
  readonly carry: Pick<State, 'loads' | 'burst'>;
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
  const { evidence, policy, replicas, state, now } = moment;
  const demands = evidence.map((each, index) => demandOf(moment, each, index));
  const largest = demands.reduce(
    (a, b) => (b !== null && (a === null || b.replicas > a.replicas) ? b : a),
    null,
  );
  const silent = evidence.find((each) => each.kind === 'absent');
  const idle = silent === undefined && demands.every((demand, index) => isIdle(moment, demand, index));
  const asked = idle ? 0 : Math.max(1, largest?.replicas ?? 0);
  const stages: Stage[] = [stage('demand', asked, largest?.why ?? 'no load')];
  for (const each of evidence) {
    if (each.kind !== 'fresh' || each.failing === null) continue;
    stages.push(stage('read', asked, `on values up to ${inWords(each.age)} old: ${each.failing}`));
  }
  const floor = silent === undefined ? 0 : Math.max(replicas.current, state.asked ?? 0);
  const safe = Math.max(asked, floor);
  if (safe > asked) stages.push(stage('absence', safe, `${silent?.why ?? ''}: no scale-down without it`));
  if (replicas.starting > 0) {
    stages.push(stage('coming', safe, `${replicas.starting} asked for and not ready yet count as capacity`));
  }
  const load = demands.reduce((most, demand) => Math.max(most, demand?.demand ?? 0), 0);
  const burst = watchForBurst(state, load, safe, replicas.current, now);
  const wanted = policy.burst ? Math.max(safe, burst.holds) : safe;
  if (wanted > safe) stages.push(stage('burst', wanted, burst.why ?? ''));
  return {
    replicas: wanted,
    verdict: 'fresh',
    active: wanted > 0,
    stages,
    reports: evidence.map((each, index) => reportDemand(policy.signals[index], each, demands[index] ?? null)),
    raw: demands.map((demand, index) => rawValue(moment, demand, index)),
    carry: burst.state,
  };
}

function demandOf(moment: Moment, evidence: Evidence, index: number): Demand | null {
  const { policy, replicas } = moment;
  const signal = policy.signals[index];
  if (signal === undefined) return null;
  if (evidence.kind === 'idle') return { raw: 0, demand: 0, replicas: 0, why: evidence.why };
  if (evidence.kind !== 'fresh') return null;
  const reporting = evidence.samples.filter((sample) => sample.pod !== null).length;
  // A pod that reports another profile's signal but not this one is missing here.
  const missing = reporting === 0 ? 0 : replicas.missing + replicas.reporting - reporting;
  return signalDemand(signal, evidence.samples, { ...replicas, missing }, policy.tolerance);
}

function isIdle(moment: Moment, demand: Demand | null, index: number): boolean {
  return demand === null || demand.raw <= (moment.policy.signals[index]?.activation ?? 0);
}

/** For `output: signal`, what the HPA divides by the target itself: a mean counts once for each pod that reports. */
function rawValue(moment: Moment, demand: Demand | null, index: number): number {
  const signal = moment.policy.signals[index];
  const evidence = moment.evidence[index];
  if (demand === null || signal === undefined) return moment.state.raw[index] ?? 0;
  return signal.kind === 'intensive' && evidence?.kind === 'fresh'
    ? demand.raw * evidence.samples.length
    : demand.raw;
}

/** No pod reports and none has to: the wake signal speaks, and what was asked for stands while it starts. */
function byWake(moment: Moment): Recommendation {
  const { policy, state, situation, observation } = moment;
  const spoken = wakeReplicas(policy.wake, moment.wake);
  const starting =
    situation === 'starting' ? Math.max(state.asked ?? 0, observation.replicas?.current ?? 0) : 0;
  const replicas = Math.max(starting, spoken.replicas);
  const why = starting > 0 ? `${spoken.why}; ${starting} starting` : spoken.why;
  const at = (verdict: Verdict, reason: string): Recommendation => ({
    ...absentBase(moment),
    replicas,
    active: replicas > 0,
    verdict,
    stages: [stage('absence', replicas, reason)],
  });
  if (spoken.kind === 'speaks' || situation === 'starting') return at('fresh', why);
  if (situation === 'unknown') return at('blind', `${firstWhy(moment)}; ${why}; absence is not zero`);
  return spoken.kind === 'nothing' ? at('fresh', why) : at(standing(moment) ? 'held' : 'blind', why);
}

/** There should be data: the last decision stands for `holdFor`, and no scale-down comes of it. */
function byHolding(moment: Moment): Recommendation {
  const { policy, state, now } = moment;
  const blindFor = state.blindSince === null ? 0 : now - state.blindSince;
  const held = state.asked ?? 0;
  const stands = state.asked !== null && standing(moment);
  const why = stands
    ? `${firstWhy(moment)}; the last decision stands for another ${inWords(policy.holdFor - blindFor)}`
    : `${firstWhy(moment)}; blind for ${inWords(blindFor)}, holdFor is ${inWords(policy.holdFor)}`;
  return {
    ...absentBase(moment),
    replicas: held,
    verdict: stands ? 'held' : 'blind',
    // Once blind, a push of `true` can still wake what somebody scaled to zero by hand; above zero it changes nothing.
    active: stands ? held > 0 : wakeReplicas(policy.wake, moment.wake).replicas > 0,
    stages: [stage('absence', held, why)],
    raw: state.raw,
  };
}

function standing({ state, policy, now }: Moment): boolean {
  return state.blindSince === null || now - state.blindSince <= policy.holdFor;
}

function absentBase(moment: Moment): Pick<Recommendation, 'raw' | 'reports' | 'carry'> {
  const { evidence, policy, wake, state } = moment;
  const reports = evidence.map((each, index) => reportAbsence(policy.signals[index], each));
  return {
    raw: policy.signals.map(() => 0),
    reports: policy.wake === null ? reports : [...reports, reportWake(policy.wake, wake)],
    carry: { loads: state.loads, burst: state.burst },
  };
}

function firstWhy(moment: Moment): string {
  const absent = moment.evidence.find((each) => each.kind === 'absent');
  return absent?.kind === 'absent' ? absent.why : 'no signal has been read yet';
}

export function stage(name: StageName, replicas: number, why: string): Stage {
  return { stage: name, replicas, why };
}
