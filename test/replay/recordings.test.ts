import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { DEFAULT_BEHAVIOR, type Behavior } from '../../src/replay/hpa-behavior.js';
import { newHpa, syncHpa, type HpaMetric, type HpaSpec } from '../../src/replay/hpa.js';
import type { KedaMetric, ScalerAnswer } from '../../src/replay/keda-fallback.js';
import {
  KEDA_DEFAULTS,
  metricForHpa,
  newScaledObject,
  poll,
  pushActive,
  type KedaSpec,
} from '../../src/replay/keda.js';

/**
 * What a real KEDA and a real HPA did with a Deployment: the model gets their calls at their times with the answers
 * that they got, and must write the same replicas in the same calls.
 */

interface Recording {
  about: string;
  scaledObject: Partial<KedaSpec>;
  metricType: 'AverageValue' | 'Value';
  targets: number[];
  scaleDownWindow?: number;
  useCachedMetrics?: boolean;
  steps: { at: number; by: 'poll' | 'sync' | 'push'; values?: (number | null)[]; active?: boolean }[];
  deployment: { at: number; spec: number; status: number; ready: number }[];
}

type Change = [at: number, replicas: number];

const DIRECTORY = join(import.meta.dirname, '../fixtures/keda');
const recordings = readdirSync(DIRECTORY).map((file): [string, Recording] => [
  file.replace('.json', ''),
  JSON.parse(readFileSync(join(DIRECTORY, file), 'utf8')) as Recording,
]);

/** The watch saw a change at most this long after the call that made it. */
const WATCH_SECONDS = 1;

function answersOf(step: Recording['steps'][number]): ScalerAnswer[] {
  return (step.values ?? []).map((value) =>
    value === null ? { kind: 'failed' } : { kind: 'answered', value, active: step.active ?? true },
  );
}

function behaviorOf(recording: Recording): Behavior | null {
  if (recording.scaleDownWindow === undefined) return null;
  const { scaleUp, scaleDown } = DEFAULT_BEHAVIOR;
  return { scaleUp, scaleDown: { ...scaleDown, stabilizationWindowSeconds: recording.scaleDownWindow } };
}

function specsOf(recording: Recording): { keda: KedaSpec; hpa: HpaSpec } {
  const { metricType, useCachedMetrics = false } = recording;
  const metrics = recording.targets.map((target): KedaMetric => ({ metricType, target, useCachedMetrics }));
  const keda: KedaSpec = { ...KEDA_DEFAULTS, ...recording.scaledObject, metrics };
  const hpa: HpaSpec = {
    minReplicas: Math.max(1, keda.minReplicaCount),
    maxReplicas: keda.maxReplicaCount,
    metrics: metrics.map(({ target }): HpaMetric =>
      metricType === 'Value'
        ? { type: 'External', value: target }
        : { type: 'External', averageValue: target },
    ),
    behavior: behaviorOf(recording),
  };
  return { keda, hpa };
}

/** The replicas that the model writes, with the time of the call. */
function replay(recording: Recording): Change[] {
  const { keda, hpa } = specsOf(recording);
  let scaledObject = newScaledObject(keda, recording.steps[0]?.at ?? 0);
  let autoscaler = newHpa;
  let spec = recording.deployment[0]?.spec ?? 0;
  const changes: Change[] = [];
  for (const step of recording.steps) {
    const seen = recording.deployment.findLast(({ at }) => at <= step.at);
    const replicas = { spec, status: seen?.status ?? 0, ready: seen?.ready ?? 0 };
    let desired = spec;
    if (step.by === 'sync') {
      const readings = keda.metrics.map((_, index) => {
        const read = metricForHpa(
          scaledObject,
          keda,
          index,
          replicas,
          () => answersOf(step)[index] ?? { kind: 'failed' },
        );
        scaledObject = read.state;
        const values = read.answer.kind === 'answered' ? [read.answer.value] : [];
        return { kind: 'external' as const, values };
      });
      const sync = syncHpa(autoscaler, hpa, replicas, readings, step.at);
      autoscaler = sync.state;
      desired = sync.desired;
    } else {
      const acted =
        step.by === 'poll'
          ? poll(scaledObject, keda, replicas, answersOf(step), step.at)
          : pushActive(scaledObject, keda, spec, step.at);
      scaledObject = acted.state;
      desired = acted.replicas;
    }
    if (desired !== spec) changes.push([step.at, desired]);
    spec = desired;
  }
  return changes;
}

function recordedChanges(recording: Recording): Change[] {
  return recording.deployment.flatMap(({ at, spec }, index): Change[] => {
    const before = recording.deployment[index - 1];
    return before === undefined || before.spec === spec ? [] : [[at, spec]];
  });
}

describe('KEDA and the HPA as recorded', () => {
  it.each(recordings)('%s', (_, recording) => {
    const ours = replay(recording);
    const theirs = recordedChanges(recording);
    expect(ours.map(([, replicas]) => replicas)).toEqual(theirs.map(([, replicas]) => replicas));
    for (const [index, [at]] of ours.entries()) {
      const seen = theirs[index]?.[0] ?? Number.NaN;
      expect(seen - at).toBeGreaterThanOrEqual(0);
      expect(seen - at).toBeLessThanOrEqual(WATCH_SECONDS);
    }
  });
});
