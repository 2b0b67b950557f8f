import type { Decision } from '../../core/decision.js';
import type { Policy } from '../../core/policy.js';
import { SECOND } from '../../core/time.js';
import {
  hpaBehavior,
  HPA_DEFAULTS,
  kedaSettings,
  type KedaSettings,
} from '../../policy/manifest/defaults.js';
import type { Profiles, Trigger } from '../../policy/trigger.js';
import { speaks } from '../../core/forecast/foresight.js';
import { remember } from './history.js';
import { parseMessage, type Init, type Tick } from './filter-messages.js';
import type { Load } from '../load.js';
import type { RunOptions } from './manifest-policy.js';
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
  readonly keda: KedaSettings;
  stepped: Stepped;
  /** Of the last tick; null before the first. */
  t: number | null;
  /** When there was load last; the run begins as if there had been. */
  activeAt: number;
}

/**
 * One workload's decisions for a simulator that brings its own clock and takes the answer for spec.replicas: `init`
 * first, then a decision for each `tick`. Another `init` begins a new run. A line that is wrong is answered with what is
 * wrong, and changes nothing.
 *
 * No HPA comes after, which by default keeps replicas for five minutes, and no KEDA, which waits as long before it goes
 * to zero. So the HPA's window becomes the trigger's `scaleDownWindow`, unless that is given, and the cooldown holds one
 * replica. Without, the same core served half the requests of a sparse load in time instead of 97 %. A forecast has its
 * own reasons to hold replicas: as soon as it speaks, it alone does.
 */
export function policyFilter(
  manifest: ReplayManifest,
  profiles: Profiles,
  { history = null }: RunOptions = {},
): Filter {
  let run: Run | null = null;
  return (text, line) => {
    if (text.trim() === '') return null;
    const parsed = parseMessage(text);
    if (!parsed.ok) return { error: parsed.error, line };
    const { message } = parsed;
    if (message.type === 'init') {
      const begun = begin(manifest, message, profiles, history);
      if (typeof begun === 'string') return { error: begun, line };
      run = begun;
      return null;
    }
    if (run === null) return { error: 'a tick before init; the first line is {"type":"init",…}', line };
    if (run.t !== null && message.t < run.t) {
      return { error: `t went back from ${run.t} to ${message.t}; ticks come in order`, line };
    }
    return answer(run, message);
  };
}

function begin(manifest: ReplayManifest, init: Init, profiles: Profiles, history: Load | null): Run | string {
  const keda = kedaSettings(manifest.spec);
  const { maxReplicaCount } = keda;
  const capacity = {
    slots: manifest.slots ?? init.slotsPerReplica ?? null,
    serviceTime: manifest.serviceTime ?? init.serviceSeconds ?? null,
  };
  const most = Math.min(maxReplicaCount, init.maxReplicas ?? maxReplicaCount);
  try {
    const plain = replayTrigger(withSlo(manifest, init), capacity, most, profiles);
    const trigger = { ...plain, policy: withoutLoops(plain.policy, manifest, init) };
    const stepped = unstepped(trigger, { nodeIdle: init.nodeIdleSeconds });
    remember(stepped, history);
    return { trigger, keda, stepped, t: null, activeAt: 0 };
  } catch (error) {
    if (error instanceof ManifestError) return error.message;
    throw error;
  }
}

/** What "in time" means comes with the `init` where the manifest leaves it open. */
function withSlo(manifest: ReplayManifest, { sloWaitSeconds }: Init): ReplayManifest {
  const { metadata } = manifest;
  if (metadata['slo'] !== undefined || sloWaitSeconds === undefined) return manifest;
  return { ...manifest, metadata: { ...metadata, slo: `${Math.max(1, Math.round(sloWaitSeconds))}s@99%` } };
}

/** The policy for a workload that nothing but the policy scales. */
function withoutLoops(policy: Policy, { spec, metadata }: ReplayManifest, init: Init): Policy {
  const { provisionSeconds, loadSeconds } = init;
  const known = provisionSeconds !== undefined && loadSeconds !== undefined;
  const window =
    hpaBehavior(spec)?.scaleDown.stabilizationWindowSeconds ?? HPA_DEFAULTS.scaleDownStabilization;
  return {
    ...policy,
    leadTime: known && !policy.leadTimeGiven ? (provisionSeconds + loadSeconds) * SECOND : policy.leadTime,
    scaleDownWindow:
      metadata['scaleDownWindow'] === undefined && policy.forecast === 'off'
        ? window * SECOND
        : policy.scaleDownWindow,
  };
}

function answer(run: Run, tick: Tick): Reply {
  if (run.t === null) run.activeAt = tick.t;
  run.t = tick.t;
  const seen = withSamples(run.stepped, run.trigger, tick.samples);
  const foresees = speaks(seen.foresight);
  const { next, decision } = stepWorkload(seen, run.trigger, tick, tick.t);
  run.stepped = next;
  const reasons = decision.stages.map(({ stage, why }) => `${stage}: ${why}`);
  // KEDA keeps the replicas where it gets UNAVAILABLE for an answer, and so does a dry run.
  if (decision.verdict === 'blind' || run.trigger.policy.dryRun) {
    return { replicas: tick.current, active: tick.current > 0 || decision.active, reasons };
  }
  if (wantedNow(decision) > 0) run.activeAt = tick.t;
  const cooling = foresees ? 0 : coolingFor(run, tick, decision);
  if (cooling <= 0) return { replicas: withIdle(decision, run), active: decision.active, reasons };
  const replicas = awake(run);
  return { replicas, active: true, reasons: [...reasons, `cooldown: ${replicas} for another ${cooling} s`] };
}

/** What the load asks for, before the window. */
function wantedNow({ stages, desired }: Decision): number {
  const window = stages.findIndex(({ stage }) => stage === 'stabilise');
  return stages[window - 1]?.replicas ?? desired;
}

/** Seconds until KEDA would go to zero, or to `idleReplicaCount`; 0 or less when it is time, or there is nothing to wait for. */
function coolingFor({ keda, activeAt }: Run, { t, current }: Tick, { active }: Decision): number {
  const sleeps = keda.reachesZero || keda.idleReplicaCount !== null;
  return active || !sleeps || current === 0 ? 0 : activeAt + keda.cooldownPeriod - t;
}

/** With `idleReplicaCount`, `minReplicaCount` holds while there is load. */
function withIdle({ active, desired }: Decision, run: Run): number {
  const { idleReplicaCount } = run.keda;
  const { keda, trigger } = run;
  // KEDA keeps its minimum through a sleep window too.
  if (idleReplicaCount === null)
    return Math.max(desired, Math.min(keda.minReplicaCount, trigger.policy.maxReplicas ?? Infinity));
  return Math.max(desired, active ? awake(run) : idleReplicaCount);
}

/** The fewest replicas that serve. */
function awake({ keda, trigger }: Run): number {
  return Math.min(trigger.policy.maxReplicas ?? Infinity, Math.max(1, keda.minReplicaCount));
}
