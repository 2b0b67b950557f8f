import type { MetricSpec__Output as MetricSpec } from '../keda/gen/externalscaler/MetricSpec.js';
import { DEFAULT_BEHAVIOR, type Behavior } from '../replay/hpa-behavior.js';
import { HPA_SYNC_SECONDS, newHpa, syncHpa, type HpaSpec, type HpaSync } from '../replay/hpa.js';
import { repeat } from './loops.js';
import type { Controlled, ScaledObject } from './scaled-object.js';
import { askScaler, targetOf } from './scaler-answers.js';

/** Of the HPA's calls: the API server's timeout of 60 s, less what it took to get to the scaler. Real time. */
const DEADLINE_MS = 59_990;

/**
 * The HPA that KEDA creates. It syncs every 15 s of the story, the first time one interval after its creation, and
 * asks through KEDA's metrics server, which calls the scaler; at zero replicas it is disabled and asks nothing.
 */
export function runHpa(controlled: Controlled, specs: readonly MetricSpec[]): Promise<void> {
  const { object, target, clock, signal } = controlled;
  const spec = hpaSpec(object, specs);
  let state = newHpa;
  return repeat(clock.seconds() + HPA_SYNC_SECONDS, HPA_SYNC_SECONDS, clock, signal, async () => {
    const disabled = target.counts().spec === 0;
    const answers = disabled ? [] : await askScaler(controlled, new Date(Date.now() + DEADLINE_MS));
    if (signal.aborted) return;
    const readings = answers.map((answer) =>
      answer.kind === 'failed' ? answer : ({ kind: 'external', values: answer.values } as const),
    );
    const sync = syncHpa(state, spec, target.counts(), readings, clock.seconds());
    state = sync.state;
    target.scale(sync.desired, { name: 'HPA', limited: limitOf(sync) });
  });
}

function hpaSpec({ maxReplicaCount, scaleDownWindow }: ScaledObject, specs: readonly MetricSpec[]): HpaSpec {
  return {
    minReplicas: 1,
    maxReplicas: maxReplicaCount,
    metrics: specs.map((spec) => ({ type: 'External', averageValue: targetOf(spec) })),
    behavior: scaleDownWindow === null ? null : withScaleDownWindow(scaleDownWindow),
  };
}

/** One field given: the API server fills in the rest of `behavior`. */
function withScaleDownWindow(stabilizationWindowSeconds: number): Behavior {
  return { ...DEFAULT_BEHAVIOR, scaleDown: { ...DEFAULT_BEHAVIOR.scaleDown, stabilizationWindowSeconds } };
}

function limitOf({ conditions }: HpaSync): string | null {
  const { scalingLimited } = conditions;
  return scalingLimited === 'DesiredWithinRange' ? null : scalingLimited;
}
