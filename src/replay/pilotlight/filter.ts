import type { Decision } from '../../core/decision.js';
import { SECOND } from '../../core/time.js';
import { kedaSettings } from '../../policy/manifest/defaults.js';
import type { Profiles, Trigger } from '../../policy/trigger.js';
import { parseMessage, type Init, type Tick } from './filter-messages.js';
import { ManifestError, replayTrigger, type ReplayManifest } from './manifest.js';
import { stepWorkload, unstepped, withSamples, type Stepped } from './step.js';

export type Reply =
  | { readonly replicas: number; readonly active: boolean; readonly reasons: readonly string[] }
  /** `line` counts from 1, empty lines included. */
  | { readonly error: string; readonly line: number };

/** Answers one line; null where it needs no answer: an `init`, or an empty line. */
export type Filter = (text: string, line: number) => Reply | null;

/** What an `init` sets up. */
interface Run {
  readonly trigger: Trigger;
  stepped: Stepped;
  /** Of the last tick; null before the first. */
  t: number | null;
}

/**
 * One workload's decisions for a simulator that brings its own clock, KEDA and HPA: `init` first, then a decision for
 * each `tick`. Another `init` begins a new run. A line that is wrong is answered with what is wrong, and changes nothing.
 */
export function policyFilter(manifest: ReplayManifest, profiles: Profiles): Filter {
  let run: Run | null = null;
  return (text, line) => {
    if (text.trim() === '') return null;
    const parsed = parseMessage(text);
    if (!parsed.ok) return { error: parsed.error, line };
    const { message } = parsed;
    if (message.type === 'init') {
      const begun = begin(manifest, message, profiles);
      if (typeof begun === 'string') return { error: begun, line };
      run = begun;
      return null;
    }
    if (run === null) return { error: 'a tick before init; the first line is {"type":"init",…}', line };
    if (run.t !== null && message.t < run.t) {
      return { error: `t went back from ${run.t} to ${message.t}; ticks come in order`, line };
    }
    return answer(run, message, manifest);
  };
}

function begin(manifest: ReplayManifest, init: Init, profiles: Profiles): Run | string {
  const { maxReplicaCount } = kedaSettings(manifest.spec);
  const capacity = {
    slots: manifest.slots ?? init.slotsPerReplica ?? null,
    serviceTime: manifest.serviceTime ?? init.serviceSeconds ?? null,
  };
  const most = Math.min(maxReplicaCount, init.maxReplicas ?? maxReplicaCount);
  try {
    const trigger = withLeadTime(replayTrigger(manifest, capacity, most, profiles), init);
    return { trigger, stepped: unstepped(trigger), t: null };
  } catch (error) {
    if (error instanceof ManifestError) return error.message;
    throw error;
  }
}

function withLeadTime(trigger: Trigger, { provisionSeconds, loadSeconds }: Init): Trigger {
  if (provisionSeconds === undefined || loadSeconds === undefined) return trigger;
  const leadTime = (provisionSeconds + loadSeconds) * SECOND;
  return { ...trigger, policy: { ...trigger.policy, leadTime } };
}

function answer(run: Run, tick: Tick, { spec }: ReplayManifest): Reply {
  run.t = tick.t;
  const seen = withSamples(run.stepped, run.trigger, tick.samples);
  const { next, decision } = stepWorkload(seen, run.trigger, tick, tick.t);
  run.stepped = next;
  const reasons = decision.stages.map(({ stage, why }) => `${stage}: ${why}`);
  const { idleReplicaCount, minReplicaCount } = kedaSettings(spec);
  // KEDA keeps the replicas where it gets UNAVAILABLE for an answer, and so does a dry run.
  if (decision.verdict === 'blind' || run.trigger.policy.dryRun) {
    return { replicas: tick.current, active: tick.current > 0 || decision.active, reasons };
  }
  const replicas = idleReplicaCount === null ? decision.desired : keptBusy(decision, minReplicaCount);
  return {
    replicas: Math.min(replicas, run.trigger.policy.maxReplicas ?? replicas),
    active: decision.active,
    reasons,
  };
}

/** With `idleReplicaCount`, `minReplicaCount` holds while active. */
function keptBusy({ active, desired }: Decision, minReplicaCount: number): number {
  return active ? Math.max(desired, minReplicaCount) : desired;
}
