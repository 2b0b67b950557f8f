import type { MetricSpec__Output as MetricSpec } from '../keda/gen/externalscaler/MetricSpec.js';
import type { ScalerAnswer } from '../replay/keda-fallback.js';
import {
  KEDA_DEFAULTS,
  newScaledObject,
  poll,
  pushActive,
  type KedaSpec,
  type KedaStep,
} from '../replay/keda.js';
import { runHpa } from './hpa.js';
import { repeat, waitUntil } from './loops.js';
import type { Controlled, ScaledObject } from './scaled-object.js';
import { askScaler, targetOf, type Answer } from './scaler-answers.js';

/** Waits before a stream is opened again: after an end with OK the first, after errors one more each time. */
const STREAM_BACKOFF = [2, 4, 8, 16, 32, 60];

export interface StandIn {
  /** Cancels what is under way; resolves when nothing is. */
  stop(): Promise<void>;
}

/**
 * A stand-in for KEDA and the HPA: for one ScaledObject the calls that a real KEDA 2.20 makes, in its order, at its
 * intervals and with its deadlines, and the arithmetic of both. Intervals are seconds of the story.
 *
 * @param fail told of what goes wrong besides calls, which are KEDA's to try again
 */
export function standIn(parts: Omit<Controlled, 'signal'>, fail: (error: unknown) => void): StandIn {
  const stopping = new AbortController();
  const controlled = { ...parts, signal: stopping.signal };
  const working = reconcile(controlled)
    .then((specs) => Promise.all([runKeda(controlled, specs), runHpa(controlled, specs)]))
    .then(() => undefined, fail);
  return {
    stop() {
      stopping.abort();
      return working;
    },
  };
}

/** The controller asks for the specs until it has them, and freezes names and targets into the HPA. */
async function reconcile({ object, client, clock, signal }: Controlled): Promise<readonly MetricSpec[]> {
  for (let wait = 1; !signal.aborted; wait *= 2) {
    const specs = await client.getMetricSpec(object.ref, { deadline: null, signal }).catch(() => null);
    if (specs !== null) return specs;
    await waitUntil(clock.seconds() + wait, clock, signal);
  }
  return [];
}

/** The scale loop and, as with the trigger type external-push, the stream beside it. */
async function runKeda(controlled: Controlled, specs: readonly MetricSpec[]): Promise<void> {
  const { object, target, clock, signal } = controlled;
  const spec = kedaSpec(object, specs);
  const created = clock.seconds();
  let state = newScaledObject(spec, created);
  const act = (step: KedaStep, name: 'KEDA poll' | 'KEDA push') => {
    state = step.state;
    target.scale(step.replicas, { name: step.replicas === 0 ? 'KEDA cooldown' : name, limited: null });
  };
  const polling = repeat(created, object.pollingInterval, clock, signal, async () => {
    const answers = (await askScaler(controlled, null)).map(forPoll);
    if (!signal.aborted) act(poll(state, spec, target.counts(), answers, clock.seconds()), 'KEDA poll');
  });
  const pushed = () => act(pushActive(state, spec, target.counts().spec, clock.seconds()), 'KEDA push');
  await Promise.all([polling, listen(controlled, pushed)]);
}

function kedaSpec(object: ScaledObject, specs: readonly MetricSpec[]): KedaSpec {
  const { pollingInterval, cooldownPeriod, maxReplicaCount } = object;
  const metrics = specs.map((spec) => ({
    metricType: 'AverageValue' as const,
    target: targetOf(spec),
    useCachedMetrics: false,
  }));
  return { ...KEDA_DEFAULTS, pollingInterval, cooldownPeriod, maxReplicaCount, metrics };
}

function forPoll(answer: Answer): ScalerAnswer {
  if (answer.kind === 'failed') return answer;
  const value = answer.values.reduce((sum, each) => sum + each, 0);
  return { kind: 'answered', value, active: answer.active };
}

/** Keeps the stream open. A `true` acts at once, a `false` does nothing: the way to zero is the poll's alone. */
async function listen({ object, client, clock, signal }: Controlled, onActive: () => void): Promise<void> {
  const push = (active: boolean) => {
    if (active && !signal.aborted) onActive();
  };
  for (let errors = 0; !signal.aborted;) {
    const ended = await client.streamIsActive(object.ref, push, signal).then(
      () => true,
      () => false,
    );
    // Messages do not reset the count, only an end with OK does.
    errors = ended ? 0 : errors + 1;
    const wait = STREAM_BACKOFF[Math.max(0, errors - 1)] ?? 60;
    await waitUntil(clock.seconds() + wait, clock, signal);
  }
}
