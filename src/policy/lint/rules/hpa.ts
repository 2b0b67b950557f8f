import { inWords, SECOND } from '../../../core/time.js';
import { parseDuration } from '../../duration.js';
import { HPA_DEFAULTS, hpaBehavior, KEDA_DEFAULTS } from '../../manifest/defaults.js';
import type { Path } from '../../manifest/documents.js';
import { eachTrigger, type Fault, type Rule } from '../rule.js';
import { called, pathOf, type Subject, type TriggerView } from '../subject.js';

/** Rules about what the HPA makes of a metric: tolerance, stabilisation, age. */
const BEHAVIOR: Path = ['spec', 'advanced', 'horizontalPodAutoscalerConfig', 'behavior'];

interface Tolerances {
  readonly scaleUp: number;
  readonly scaleDown: number;
}

function tolerances({ spec }: Subject): Tolerances {
  const behavior = hpaBehavior(spec);
  return {
    scaleUp: behavior?.scaleUp.tolerance ?? HPA_DEFAULTS.tolerance,
    scaleDown: behavior?.scaleDown.tolerance ?? HPA_DEFAULTS.tolerance,
  };
}

const otherTolerance: Rule = {
  code: 'PL050',
  title: 'The trigger’s tolerance is not the HPA’s',
  severity: 'warning',
  reason:
    'Pilotlight publishes the value that the HPA rounds to the wanted count, and reckons with the tolerance of its ' +
    'metadata. Where the HPA’s is smaller it goes too far; where it is larger, a step of one above ten replicas is lost.',
  fix: 'Give both the same: tolerance in the metadata, and scaleUp.tolerance and scaleDown.tolerance in the behavior.',
  source:
    'Kubernetes 1.36 replica_calculator.go: no change while 0.9 ≤ ratio ≤ 1.1; HPAConfigurableTolerance, on from 1.35',
  check: eachTrigger((view, subject) => {
    const { ours } = view;
    if (ours === null || subject.usesModifiers || ours.stated['output'] === 'signal') return [];
    if (ours.fromEnv.has('tolerance') || ours.fromEnv.has('output')) return [];
    const given = Number(ours.stated['tolerance'] ?? HPA_DEFAULTS.tolerance);
    const hpa = tolerances(subject);
    return (['scaleUp', 'scaleDown'] as const).flatMap((direction): Fault[] => {
      if (Number.isNaN(given) || Math.abs(hpa[direction] - given) < 1e-9) return [];
      const isStated = ours.stated['tolerance'] !== undefined;
      const path = isStated ? pathOf(view, 'metadata', 'tolerance') : [...BEHAVIOR, direction, 'tolerance'];
      const message = `tolerance is ${given} in the trigger${isStated ? '' : ', its default,'} and ${hpa[direction]} for the HPA’s ${direction}`;
      return [{ path, message }];
    });
  }),
};

const lostSteps: Rule = {
  code: 'PL051',
  title: 'A wanted replica count inside the HPA’s tolerance',
  severity: 'warning',
  reason:
    'The HPA ignores a change within its tolerance: with 0.1 and 20 replicas a wanted 18, 19, 21 or 22 changes nothing, ' +
    'and above ten replicas no step of one is ever taken.',
  fix:
    'Set behavior.scaleUp.tolerance and behavior.scaleDown.tolerance to "0" (Kubernetes 1.35 or the feature gate ' +
    'HPAConfigurableTolerance).',
  source:
    'Kubernetes 1.36 replica_calculator.go; observed: 20 → 21 ignored, with tolerance 0 followed; kedacore/keda#7900',
  check: eachTrigger((view, subject) => {
    const wanted = wantedCount(view, subject);
    const { scaleUp, scaleDown } = tolerances(subject);
    const tolerance = Math.max(scaleUp, scaleDown);
    // The relative step from n replicas is 1 ÷ n; the last step, from most − 1 or to it, is the smallest.
    if (wanted === null || subject.usesModifiers || wanted.most * tolerance <= 1 + 1e-9) return [];
    const message = `${wanted.name} may be ${wanted.most}, and the HPA ignores changes within ${Number((tolerance * 100).toFixed(3))} %`;
    return [{ path: pathOf(view, 'metadata', wanted.key), message }];
  }),
};

interface WantedCount {
  readonly key: string;
  readonly name: string;
  readonly most: number;
}

/** A foreign trigger whose value is itself a number of replicas, with target 1. */
function wantedCount(view: TriggerView, { settings, triggers }: Subject): WantedCount | null {
  const { type, metadata, metricType = KEDA_DEFAULTS.metricType } = view.trigger;
  if (metricType !== 'AverageValue') return null;
  if (type === 'cron') {
    // Alone it goes from the minimum to its count and back: one large step.
    const most = Number(metadata['desiredReplicas']);
    return triggers.length > 1 && most > 0 ? { key: 'desiredReplicas', name: 'desiredReplicas', most } : null;
  }
  const { query } = view;
  if (type !== 'prometheus' || query === null || Number(metadata['threshold']) !== 1) return null;
  const name = query.metrics.find((metric) => /(?:desired|wanted|recommended)_replicas/.test(metric));
  return name === undefined ? null : { key: 'query', name, most: settings.maxReplicaCount };
}

const twoWindows: Rule = {
  code: 'PL052',
  title: 'Two scale-down windows, one after the other',
  severity: 'warning',
  reason: 'The HPA’s window begins when Pilotlight’s has ended, so idle GPUs are kept for the sum of both.',
  fix: 'Leave scaleDownWindow out, or set behavior.scaleDown.stabilizationWindowSeconds: 0.',
  source: 'Kubernetes 1.36 podautoscaler/config: 5 min down-scale stabilisation where nothing is given',
  check: eachTrigger((view, { spec }) => {
    const own = parseDuration(view.ours?.stated['scaleDownWindow'] ?? '') ?? 0;
    const seconds =
      hpaBehavior(spec)?.scaleDown.stabilizationWindowSeconds ?? HPA_DEFAULTS.scaleDownStabilization;
    if (own === 0 || seconds === 0) return [];
    const sum = own + seconds * SECOND;
    const message = `scaleDownWindow ${inWords(own)} and the HPA’s ${seconds} s: together ${inWords(sum)}`;
    return [{ path: pathOf(view, 'metadata', 'scaleDownWindow'), message }];
  }),
};

const shrinkingFallback: Rule = {
  code: 'PL053',
  title: 'The fallback takes running replicas away',
  severity: 'warning',
  reason:
    'Without a fallback KEDA keeps the replicas when a trigger fails. A static fallback sets exactly its number instead: ' +
    'an outage of Prometheus takes a busy workload down to it.',
  fix: 'Add behavior: currentReplicasIfHigher to the fallback (KEDA 2.17 and later).',
  source: 'KEDA 2.20 pkg/fallback/fallback.go; docs, reference/scaledobject-spec#fallbackbehavior',
  check: ({ spec: { fallback }, settings, servesModels }) => {
    if (fallback === undefined || !servesModels || (fallback.behavior ?? 'static') !== 'static') return [];
    const max = settings.maxReplicaCount;
    // 0 has a rule of its own where it matters most.
    if (fallback.replicas >= max || (fallback.replicas === 0 && settings.reachesZero)) return [];
    const message = `a failing trigger takes up to ${max} replicas down to ${fallback.replicas}`;
    return [{ path: ['spec', 'fallback', 'replicas'], message }];
  },
};

const agedMetrics: Rule = {
  code: 'PL054',
  title: 'useCachedMetrics with a long pollingInterval',
  severity: 'warning',
  reason: `The HPA looks every ${HPA_DEFAULTS.syncPeriod} s, but is shown the value of the last poll.`,
  fix: 'Remove useCachedMetrics (Pilotlight answers from memory and needs no cache), or lower pollingInterval.',
  source: 'KEDA 2.20 docs, concepts/scaling-deployments#caching-metrics; observed with 2.20.2',
  check: eachTrigger((view, { settings: { pollingInterval } }) => {
    const isLong = pollingInterval > 2 * HPA_DEFAULTS.syncPeriod;
    if (view.trigger.useCachedMetrics !== true || !isLong) return [];
    const message = `${called(view)} shows the HPA values up to ${pollingInterval} s old`;
    return [{ path: pathOf(view, 'useCachedMetrics'), message }];
  }),
};

export const hpaRules: readonly Rule[] = [
  otherTolerance,
  lostSteps,
  twoWindows,
  shrinkingFallback,
  agedMetrics,
];
