import { inWords, SECOND } from '../../../core/time.js';
import { parseDuration } from '../../duration.js';
import { KEDA_DEFAULTS } from '../../manifest/defaults.js';
import { forecastHolds } from '../forecasting.js';
import type { Expression } from '../promql/expression.js';
import { eachTrigger, type Fault, type Rule } from '../rule.js';
import { saysFalse } from '../go-bool.js';
import { called, pathOf, type Subject } from '../subject.js';
import { needsPods } from '../wake.js';
import { COLD_START } from './times.js';

/** Rules about scaling to zero and back. */
const EXECUTOR = 'KEDA 2.20 pkg/scaling/executor/scale_scaledobjects.go';

const nobodyWakes: Rule = {
  code: 'PL040',
  title: 'Scale to zero with a signal that only the pods report',
  severity: 'error',
  reason:
    'At zero replicas there is no pod to report load, so the trigger stays inactive and KEDA never starts the first ' +
    'one. The workload is down until somebody scales it by hand.',
  fix:
    'Add a signal that is there without pods (wake: a gateway or queue profile; a trigger on the gateway or router), or set ' +
    'minReplicaCount: 1.',
  source: `${EXECUTOR}: only an active trigger leads from 0 to 1`,
  check: ({ settings, triggers }) => {
    if (!settings.reachesZero || !triggers.every(needsPods)) return [];
    // KEDA's webhook has a word of its own for those.
    const isRefused = triggers.every(({ trigger }) => trigger.type === 'cpu' || trigger.type === 'memory');
    return triggers.map((view): Fault => {
      const path = pathOf(view, 'metadata', view.ours === null ? 'query' : 'profile');
      const message = `${called(view)} sees no load at zero replicas, and no other trigger does`;
      return isRefused ? { path, message, reason: REFUSED } : { path, message };
    });
  },
};

const REFUSED = 'KEDA’s webhook refuses minReplicaCount 0 with nothing but cpu and memory triggers.';

const READ_EMPTY_AS_ZERO = new Set(['prometheus', 'loki', 'aws-cloudwatch']);

const emptyIsZero: Rule = {
  code: 'PL041',
  title: 'An empty answer counts as 0 and scales to zero',
  severity: 'warning',
  reason:
    'ignoreNullValues is true where it is not given: no series, NaN and Inf all become 0. When the exporter or a scrape ' +
    'fails, the trigger turns inactive and KEDA scales a busy workload to zero after the cooldown.',
  fix:
    'Set ignoreNullValues: "false": an empty answer is then an error, and KEDA keeps the replicas. Where empty is normal ' +
    '(TGI before its first request) write `or vector(0)` into the query.',
  source:
    'KEDA 2.20 pkg/scalers/prometheus_scaler.go, loki_scaler.go, aws_cloudwatch_scaler.go; kedacore/keda#3065',
  check: eachTrigger((view, { settings }) => {
    const { type, metadata } = view.trigger;
    if (!settings.reachesZero || !READ_EMPTY_AS_ZERO.has(type)) return [];
    const isAlwaysThere = view.query !== null && isNeverEmpty(view.query.expression);
    if (isAlwaysThere || saysFalse(metadata['ignoreNullValues'])) return [];
    return [
      {
        path: pathOf(view, 'metadata', 'ignoreNullValues'),
        message: `${called(view)} takes an empty answer for 0, and KEDA may scale to zero`,
      },
    ];
  }),
};

function isNeverEmpty(expression: Expression): boolean {
  if (expression.kind === 'number') return true;
  if (expression.kind === 'call') return ['vector', 'scalar', 'time'].includes(expression.name);
  return expression.kind === 'binary' && expression.operator === 'or' && isNeverEmpty(expression.right);
}

const shorterThanColdStart: Rule = {
  code: 'PL042',
  title: 'cooldownPeriod is shorter than a cold start',
  severity: 'warning',
  reason:
    'A pause in the traffic longer than the cooldown costs the next request a whole cold start; and a replica that took ' +
    'longer to start than it was kept has been paid for nothing.',
  fix:
    'Make cooldownPeriod at least as long as a cold start takes, better twice as long. Not beside a forecast, which weighs ' +
    'the cold start itself.',
  source: `${EXECUTOR}, scaleToZeroOrIdle: N → 0 in one step, past the HPA’s scale-down rules`,
  check: (subject) => {
    const { settings, servesModels, triggers, context } = subject;
    if (forecastHolds(subject)) return [];
    const stated = triggers.flatMap(({ ours }) => parseDuration(ours?.stated['leadTime'] ?? '') ?? []);
    const coldStart = stated.length > 0 ? Math.max(...stated) : (context.coldStart ?? COLD_START);
    const { reachesZero, cooldownPeriod } = settings;
    if (!reachesZero || !servesModels || cooldownPeriod * SECOND >= coldStart) return [];
    const message = `cooldownPeriod is ${cooldownPeriod} s, a cold start takes ${inWords(coldStart)}`;
    return [{ path: ['spec', 'cooldownPeriod'], message }];
  },
};

export const FEWEST_POLLS = 3;

const fewPolls: Rule = {
  code: 'PL043',
  title: 'cooldownPeriod is shorter than a few polls',
  severity: 'warning',
  reason:
    'KEDA 2.20.0 to 2.20.2 can take a poll that is cut off, by an edit or by a slow answer, for an inactive one. The time ' +
    'since the last active poll is then all that keeps the replicas: with a cooldown of 1 s and a poll every 5 s three of ' +
    'forty edits of the metadata took 3 replicas to 0 under load.',
  fix: `Make cooldownPeriod at least ${FEWEST_POLLS} × pollingInterval, better ten times (300 s and 30 s, the defaults).`,
  source: 'observed with KEDA 2.20.2; pkg/scaling/scale_handler.go, ErrCacheClosed',
  check: ({ spec, settings: { reachesZero, cooldownPeriod: cooldown, pollingInterval: poll } }) => {
    if (!reachesZero || cooldown >= FEWEST_POLLS * poll) return [];
    const key = spec.cooldownPeriod === undefined ? 'pollingInterval' : 'cooldownPeriod';
    return [{ path: ['spec', key], message: `cooldownPeriod is ${cooldown} s, pollingInterval ${poll} s` }];
  },
};

const fallbackToZero: Rule = {
  code: 'PL044',
  title: 'fallback.replicas is 0',
  severity: 'error',
  reason:
    'Without a fallback KEDA keeps the replicas when a trigger fails. With 0 it takes the failure for inactivity and ' +
    'scales to zero after the cooldown; past failureThreshold the fallback counts as active, and it starts over.',
  fix: 'Set replicas to at least 1, or leave the fallback out.',
  source: `${EXECUTOR}: the case for a fallback asks for replicas ≠ 0`,
  check: ({ spec, settings }) =>
    spec.fallback?.replicas === 0 && settings.reachesZero
      ? [
          {
            path: ['spec', 'fallback', 'replicas'],
            message: 'fallback.replicas is 0, and KEDA may scale to zero',
          },
        ]
      : [],
};

const waitsForPoll: Rule = {
  code: 'PL045',
  title: 'type: external wakes only at the next poll',
  severity: 'warning',
  reason: 'external-push holds a stream open and wakes at once: observed, the scale is written within 22 ms.',
  fix: 'Write type: external-push; nothing else changes.',
  source: 'KEDA 2.20 docs, scalers/external-push; observed with KEDA 2.20.2',
  check: eachTrigger((view, { settings }) => {
    if (view.ours === null || view.trigger.type !== 'external' || !settings.reachesZero) return [];
    const message = `at zero a request waits up to ${settings.pollingInterval} s before anything starts`;
    return [{ path: pathOf(view, 'type'), message }];
  }),
};

const idleCooldown: Rule = {
  code: 'PL046',
  title: 'cooldownPeriod without scale to zero',
  severity: 'warning',
  reason:
    'The cooldown only delays the step to zero. Between 1 and N the HPA scales down, after 300 s unless told otherwise.',
  fix: 'Set advanced.horizontalPodAutoscalerConfig.behavior.scaleDown.stabilizationWindowSeconds, or minReplicaCount: 0.',
  source: 'KEDA 2.20 docs, reference/scaledobject-spec#cooldownperiod; kedacore/keda#5008',
  check: ({ spec, settings }: Subject): Fault[] => {
    const { cooldownPeriod: given } = spec;
    if (settings.reachesZero || settings.idleReplicaCount !== null || given === undefined) return [];
    // The default, written out, misleads nobody; and who sets the HPA's window as well knows which is which.
    const window =
      spec.advanced?.horizontalPodAutoscalerConfig?.behavior?.scaleDown?.stabilizationWindowSeconds;
    if (given === KEDA_DEFAULTS.cooldownPeriod || window !== undefined) return [];
    const message = `cooldownPeriod ${given} beside minReplicaCount ${settings.minReplicaCount} does nothing`;
    return [{ path: ['spec', 'cooldownPeriod'], message }];
  },
};

export const zeroRules: readonly Rule[] = [
  nobodyWakes,
  emptyIsZero,
  shorterThanColdStart,
  fewPolls,
  fallbackToZero,
  waitsForPoll,
  idleCooldown,
];
