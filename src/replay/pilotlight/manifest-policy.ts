import type { Decision } from '../../core/decision.js';
import type { Grant } from '../../core/observation.js';
import type { Trigger } from '../../policy/trigger.js';
import { SECOND } from '../../core/time.js';
import { SETTLED_HPA } from '../baselines/hpa-pods.js';
import { HPA_SYNC_SECONDS, syncHpa, type HpaState, type MetricReading } from '../hpa.js';
import type { ScalerAnswer } from '../keda-fallback.js';
import { metricForHpa, newScaledObject, poll, pushActive, type KedaState } from '../keda.js';
import type { Load } from '../load.js';
import type { Observation, ReplayPolicy } from '../policy.js';
import type { Setup } from '../setup.js';
import { remember } from './history.js';
import type { Loops } from './loops.js';
import { stepWorkload, unstepped, withSamples, type Step, type Stepped } from './step.js';

/** The server's own default. */
export const SERVER_TICK_SECONDS = 5;

/** Told of each decision. */
export type OnStep = (t: number, step: Step) => void;

export interface RunOptions {
  /** The load that came right before the run's second 0: what a forecast may have learnt from. */
  readonly history?: Load | null;
  /** How long a new replica takes, where the trigger does not say, and how long an idle node stays; seconds. */
  readonly startup?: Pick<Setup, 'nodeProvision' | 'modelLoad' | 'nodeIdle'> | null;
}

/** The parts that take turns at one workload, and what each remembers. */
interface Machine {
  readonly loops: Loops;
  scaler: Stepped;
  keda: KedaState;
  hpa: HpaState;
  decision: Decision | null;
  /** What the stream said last; null before its first message. */
  pushed: boolean | null;
}

/**
 * A ScaledObject with Pilotlight behind it, whose two halves somebody may come between: who shares GPUs out looks at what
 * all have decided, and has some decide again.
 */
export interface ScaledObjectRun {
  readonly minReplicas: number;
  /** Seconds between ticks; divides the server's. */
  readonly every: number;
  /** Takes the samples and, where the server's tick has come, decides. */
  see(t: number, observation: Observation, grant: Grant | null): void;
  /** Decides once more on what has been seen. */
  decide(t: number, observation: Observation, grant: Grant | null): void;
  /** The last one; null before the first. */
  readonly decision: Decision | null;
  /** KEDA's push and poll and the HPA's sync. @returns spec.replicas from now on */
  act(t: number, observation: Observation): number;
}

/**
 * A ScaledObject with Pilotlight behind it: the server decides each tick, KEDA polls it and hears of a wake-up at once,
 * and the HPA asks it at each sync. Within a second the server goes first, then the push, the HPA, the poll.
 */
export function manifestPolicy(
  name: string,
  trigger: Trigger,
  loops: Loops,
  onStep?: OnStep,
  options: RunOptions = {},
): ReplayPolicy {
  const run = scaledObjectRun(trigger, loops, onStep, options);
  return {
    name,
    minReplicas: run.minReplicas,
    every: run.every,
    tick(t, observation) {
      run.see(t, observation, null);
      return run.act(t, observation);
    },
  };
}

export function scaledObjectRun(
  trigger: Trigger,
  loops: Loops,
  onStep?: OnStep,
  { history = null, startup = null }: RunOptions = {},
): ScaledObjectRun {
  const measured =
    startup === null ? trigger : withLeadTime(trigger, startup.nodeProvision + startup.modelLoad);
  const scaler = unstepped(measured, { nodeIdle: startup?.nodeIdle });
  remember(scaler, history);
  const machine: Machine = {
    loops,
    scaler,
    // It has been there before the recording: no initial cooldown, and active until now.
    keda: { ...newScaledObject(loops.keda, 0), lastActiveTime: 0 },
    hpa: SETTLED_HPA,
    decision: null,
    pushed: null,
  };
  const { pollingInterval, idleReplicaCount, minReplicaCount } = loops.keda;
  const decide = (t: number, observation: Observation, grant: Grant | null) => {
    const step = stepWorkload(machine.scaler, measured, observation, t, grant);
    machine.scaler = step.next;
    machine.decision = step.decision;
    onStep?.(t, step);
  };
  return {
    minReplicas: idleReplicaCount ?? minReplicaCount,
    every: [HPA_SYNC_SECONDS, pollingInterval].reduce(commonDivisor, SERVER_TICK_SECONDS),
    see(t, observation, grant) {
      machine.scaler = withSamples(machine.scaler, measured, observation.samples);
      if (t % SERVER_TICK_SECONDS === 0) decide(t, observation, grant);
    },
    decide,
    get decision() {
      return machine.decision;
    },
    act: (t, observation) => act(machine, t, observation),
  };
}

/** Where the trigger leaves it to be measured, it is measured right. */
export function withLeadTime(trigger: Trigger, seconds: number): Trigger {
  const { policy } = trigger;
  return policy.leadTimeGiven ? trigger : { ...trigger, policy: { ...policy, leadTime: seconds * SECOND } };
}

function act(machine: Machine, t: number, { current: before, ready }: Observation): number {
  const { loops, decision } = machine;
  let current = before;
  if (loops.pushes && t % SERVER_TICK_SECONDS === 0) current = push(machine, decision, current, t);
  if (t % HPA_SYNC_SECONDS === 0) current = sync(machine, current, ready, t);
  if (t % loops.keda.pollingInterval === 0) current = pollOnce(machine, current, ready, t);
  return current;
}

/** The stream carries edges alone, and KEDA ignores a `false`. */
function push(machine: Machine, decision: Decision | null, current: number, t: number): number {
  const active = decision?.active ?? false;
  const isEdge = active !== machine.pushed;
  machine.pushed = active;
  if (!isEdge || !active) return current;
  const step = pushActive(machine.keda, machine.loops.keda, current, t);
  machine.keda = step.state;
  return step.replicas;
}

function sync(machine: Machine, current: number, ready: number, t: number): number {
  const { hpa } = machine.loops;
  // At zero the HPA asks nobody.
  const readings = current === 0 ? [] : hpa.metrics.map((_, index) => read(machine, index, current, ready));
  const replicas = { spec: current, status: current, ready };
  const synced = syncHpa(machine.hpa, hpa, replicas, readings, t);
  machine.hpa = synced.state;
  return synced.desired;
}

function read(machine: Machine, index: number, spec: number, ready: number): MetricReading {
  const { keda } = machine.loops;
  const asked = metricForHpa(machine.keda, keda, index, { spec, ready }, () =>
    answerTo(machine.decision, index),
  );
  machine.keda = asked.state;
  return asked.answer.kind === 'answered'
    ? { kind: 'external', values: [asked.answer.value] }
    : { kind: 'failed' };
}

function pollOnce(machine: Machine, current: number, ready: number, t: number): number {
  const { keda } = machine.loops;
  const answers = keda.metrics.map((_, index) => answerTo(machine.decision, index));
  const step = poll(machine.keda, keda, { spec: current, ready }, answers, t);
  machine.keda = step.state;
  return step.replicas;
}

/** A blind decision is UNAVAILABLE to whoever asks. */
function answerTo(decision: Decision | null, index: number): ScalerAnswer {
  if (decision === null || decision.verdict === 'blind') return { kind: 'failed' };
  return { kind: 'answered', value: decision.metrics[index] ?? 0, active: decision.active };
}

function commonDivisor(a: number, b: number): number {
  return b === 0 ? a : commonDivisor(b, a % b);
}
