import { inWords } from '../../../core/time.js';
import { parseDuration } from '../../duration.js';
import { HPA_DEFAULTS, hpaBehavior, type ScalingRules } from '../../manifest/defaults.js';
import type { Path } from '../../manifest/documents.js';
import { forecastHolds, forecasts } from '../forecasting.js';
import { eachTrigger, type Fault, type Rule } from '../rule.js';
import { called, pathOf, type Subject } from '../subject.js';
import { FEWEST_POLLS } from './zero.js';

/** Rules about a trigger that forecasts, and what KEDA and the HPA make of it. */
const BEHAVIOR: Path = ['spec', 'advanced', 'horizontalPodAutoscalerConfig', 'behavior'];

const noCapacity: Rule = {
  code: 'PL019',
  title: 'A forecast without slots or serviceTime',
  severity: 'warning',
  reason:
    'What a request takes of a replica turns requests to come into replicas. Without it there is no forecast: the trigger ' +
    'reacts, and explain says what it waits for.',
  fix: 'Set slots and serviceTime; pilotlight calibrate measures both.',
  source: 'docs/forecast.md, what it needs',
  check: eachTrigger((view) => {
    const { ours } = view;
    if (ours === null || !forecasts(view)) return [];
    const missing = ['slots', 'serviceTime'].filter(
      (key) => ours.stated[key] === undefined && !ours.fromEnv.has(key),
    );
    if (missing.length === 0) return [];
    const message = `${called(view)} has forecast ${ours.stated['forecast']} and no ${missing.join(', no ')}`;
    return [{ path: pathOf(view, 'metadata', 'forecast'), message }];
  }),
};

/** A cooldown that is no longer than this is lost in the minutes that an idle node takes to go. */
const SHORT_COOLDOWN = 60;
/** Seconds; as often as the HPA looks. */
const LONGEST_POLL = HPA_DEFAULTS.syncPeriod;

const heldTwice: Rule = {
  code: 'PL055',
  title: 'KEDA or the HPA waits on top of a forecast',
  severity: 'warning',
  reason:
    'A forecast holds each replica while it is worth its money, and asks for one before it is needed. What KEDA and the ' +
    'HPA hold after that is idle GPU time, and what they delay comes too late.',
  fix: 'Let the forecast decide: see the settings in docs/forecast.md.',
  source:
    'docs/forecast.md, what it needs; replays of four sparse loads: 300 s of the HPA’s window cost 3 % more, and so do 300 s of cooldown; Kubernetes 1.36 ' +
    'pkg/apis/autoscaling/v2/defaults.go; KEDA 2.20 docs, reference/scaledobject-spec',
  check: (subject) =>
    forecastHolds(subject)
      ? [
          ...keptReplicas(subject),
          ...latePolls(subject),
          ...longCooldown(subject),
          ...slowHpa(subject),
          ...ownWindow(subject),
        ]
      : [],
};

function keptReplicas({ settings: { minReplicaCount: min, idleReplicaCount: idle } }: Subject): Fault[] {
  if (min === 0 || (idle === 0 && min === 1)) return [];
  const message = `minReplicaCount is ${min}: so many are paid for, whatever the forecast says`;
  const fix = 'Set minReplicaCount: 0, with wake: where the signal needs the pods.';
  return [{ path: ['spec', 'minReplicaCount'], message, fix }];
}

function latePolls({ settings: { pollingInterval, reachesZero } }: Subject): Fault[] {
  if (!reachesZero || pollingInterval <= LONGEST_POLL) return [];
  const message = `pollingInterval is ${pollingInterval} s: so much later KEDA hears that nothing is needed`;
  return [{ path: ['spec', 'pollingInterval'], message, fix: `Set pollingInterval: ${LONGEST_POLL}.` }];
}

function longCooldown({ settings: { cooldownPeriod, pollingInterval, reachesZero } }: Subject): Fault[] {
  const fewest = FEWEST_POLLS * pollingInterval;
  if (!reachesZero || cooldownPeriod <= Math.max(SHORT_COOLDOWN, fewest)) return [];
  const message = `cooldownPeriod is ${cooldownPeriod} s, on top of what the forecast holds`;
  const polls = Math.min(pollingInterval, LONGEST_POLL);
  const fix = `Set cooldownPeriod: ${FEWEST_POLLS * polls}, ${FEWEST_POLLS} polls of ${polls} s; fewer are not safe (PL043).`;
  return [{ path: ['spec', 'cooldownPeriod'], message, fix }];
}

const AT_ONCE = 'stabilizationWindowSeconds: 0 and the policy type: Percent, value: 100, periodSeconds: 15';

function slowHpa({ spec, settings: { minReplicaCount, maxReplicaCount: max } }: Subject): Fault[] {
  if (max <= Math.max(1, minReplicaCount)) return [];
  const behavior = hpaBehavior(spec);
  const faults: Fault[] = [];
  const window = behavior?.scaleDown.stabilizationWindowSeconds ?? HPA_DEFAULTS.scaleDownStabilization;
  if (window > 0 || (behavior !== null && isSlower(behavior.scaleDown, max, (replicas) => replicas))) {
    const held = window > 0 ? `holds replicas ${window} s` : 'lets replicas go more slowly than it could';
    const path = [...BEHAVIOR, 'scaleDown', ...(window > 0 ? ['stabilizationWindowSeconds'] : [])];
    const message = `the HPA ${held}, on top of what the forecast holds`;
    faults.push({ path, message, fix: `Set behavior.scaleDown to ${AT_ONCE}.` });
  }
  const up = behavior?.scaleUp;
  if (
    up !== undefined &&
    (up.stabilizationWindowSeconds > 0 || isSlower(up, max, (replicas) => Math.max(4, replicas)))
  ) {
    const message = 'the HPA scales up more slowly than by its defaults';
    const fix =
      'Leave behavior.scaleUp out: the defaults are no window, and the larger of 4 pods and 100 % in 15 s.';
    faults.push({ path: [...BEHAVIOR, 'scaleUp'], message, fix });
  }
  return faults;
}

/** Whether, from some number of replicas, fewer can change in 15 s than `expected`, as far as there are any. */
function isSlower(
  { selectPolicy, policies }: ScalingRules,
  max: number,
  expected: (replicas: number) => number,
): boolean {
  if (selectPolicy === 'Disabled') return true;
  const select = selectPolicy === 'Max' ? Math.max : Math.min;
  for (let replicas = 1; replicas <= Math.min(max, MOST_LOOKED_AT); replicas += 1) {
    const allowed = policies.map(({ type, value, periodSeconds }) => {
      const change = type === 'Pods' ? value : (value / 100) * replicas;
      return (change * HPA_DEFAULTS.syncPeriod) / periodSeconds;
    });
    if (select(...allowed) < Math.min(max, expected(replicas)) - 1e-9) return true;
  }
  return false;
}

/** Policies are linear in the replicas: what holds up to here holds above. */
const MOST_LOOKED_AT = 1000;

function ownWindow({ triggers }: Subject): Fault[] {
  return triggers.flatMap((view): Fault[] => {
    const window = parseDuration(view.ours?.stated['scaleDownWindow'] ?? '') ?? 0;
    if (window === 0) return [];
    const message = `scaleDownWindow is ${inWords(window)}, on top of what the forecast holds`;
    return [
      { path: pathOf(view, 'metadata', 'scaleDownWindow'), message, fix: 'Leave scaleDownWindow out.' },
    ];
  });
}

export const forecastRules: readonly Rule[] = [noCapacity, heldTwice];
