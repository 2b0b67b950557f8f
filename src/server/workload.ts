import { createHash } from 'node:crypto';
import { targetKind } from '../cluster/model.js';
import type { Decision } from '../core/decision.js';
import { initialState, type State } from '../core/state.js';
import type { Millis } from '../core/time.js';
import { windowClock, type WindowClock } from '../policy/schedule.js';
import type { StartsOf } from '../policy/starts.js';
import type { Trigger } from '../policy/trigger.js';
import type { ScaledObjectFacts } from '../ports/cluster.js';
import type { TriggerRef } from '../ports/decisions.js';
import type { ScaleTarget } from '../ports/workloads.js';
import { newForesight, type WorkloadForesight } from './foresight.js';

/** One trigger of one ScaledObject that KEDA has asked about. The only thing that changes while the server runs. */
export interface Workload {
  /** Namespace, name and a digest of the metadata. */
  readonly id: string;
  /** What `identity` makes of the calls for it. */
  readonly key: string;
  readonly namespace: string;
  readonly name: string;
  readonly trigger: Trigger;
  target: ScaleTarget;
  /** The trigger's query, confined to its namespace; null where the profiles bring their own. */
  readonly query: string | null;
  /** Null without windows. */
  readonly windows: WindowClock | null;
  /** What its past says of its load; null where the trigger wants no forecast. */
  readonly foresight: WorkloadForesight | null;
  state: State;
  /** Null until the first evaluation. */
  decision: Decision | null;
  /** Counts evaluations since it began, or began anew. */
  version: number;
  askedAt: Millis;
  hpaAskedAt: Millis | null;
  readonly listeners: Set<(decision: Decision) => void>;
}

/** The key under which a call finds its workload: KEDA's map comes in any order. */
export function identity(ref: TriggerRef): string {
  const { namespace, name, metadata } = ref;
  const parts = [namespace, name];
  for (const key of Object.keys(metadata).sort()) parts.push(key, metadata[key] ?? '');
  // JSON, because no separator is safe: whatever stands between the parts can also stand in a value.
  return JSON.stringify(parts);
}

export function newWorkload(
  ref: TriggerRef,
  key: string,
  trigger: Trigger,
  query: string | null,
  startsOf: StartsOf,
  now: Millis,
): Workload {
  const { schedule } = trigger.policy;
  const digest = createHash('sha256').update(key).digest('hex').slice(0, 12);
  return {
    id: `${ref.namespace}/${ref.name}/${digest}`,
    key,
    namespace: ref.namespace,
    name: ref.name,
    trigger,
    target: { namespace: ref.namespace, ...(trigger.workload ?? byName(ref.name)) },
    query,
    windows: schedule === null ? null : windowClock(schedule, startsOf),
    foresight: newForesight(trigger),
    state: initialState,
    decision: null,
    version: 0,
    askedAt: now,
    hpaAskedAt: null,
    listeners: new Set(),
  };
}

/**
 * Scales what the ScaledObject scales, where the trigger does not name it. Another target's pods are others: what was seen
 * and asked for before is not its past, and it begins anew.
 */
export function follow(workload: Workload, { target: { kind: written, name } }: ScaledObjectFacts): void {
  const { trigger, target, namespace } = workload;
  if (trigger.workload !== null) return;
  const kind = targetKind(written);
  const next = kind === null ? byName(workload.name) : { kind, name };
  if (next.kind === target.kind && next.name === target.name) return;
  workload.target = { namespace, ...next };
  workload.state = initialState;
  workload.decision = null;
  workload.version = 0;
}

/** What a ScaledObject most often scales, and all there is to go by without access to the cluster. */
function byName(scaledObject: string): Pick<ScaleTarget, 'kind' | 'name'> {
  return { kind: 'deployment', name: scaledObject };
}
