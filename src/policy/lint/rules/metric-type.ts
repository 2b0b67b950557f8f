import { KEDA_DEFAULTS } from '../../manifest/defaults.js';
import { eachTrigger, type Fault, type Rule } from '../rule.js';
import { growthOf } from '../promql/growth.js';
import { called, pathOf, type OurTrigger, type Subject, type TriggerView } from '../subject.js';
import { intensiveSignal, type IntensiveSignal } from '../intensive-signal.js';

/** Rules about AverageValue and Value: the HPA's two ways from a metric to replicas. */
const HPA = 'Kubernetes 1.36 pkg/controller/podautoscaler/replica_calculator.go';

const utilization: Rule = {
  code: 'PL020',
  title: 'metricType: Utilization',
  severity: 'error',
  reason:
    'Only cpu and memory triggers have a utilization; on any other KEDA makes no HPA and never calls the scaler.',
  fix: 'Leave metricType out (AverageValue) or use Value.',
  source: 'KEDA 2.20 pkg/scalers/scaler.go, GetMetricTargetType; observed with 2.20.2',
  check: eachTrigger((view) =>
    view.trigger.metricType === 'Utilization' && !['cpu', 'memory'].includes(view.trigger.type)
      ? [{ path: pathOf(view, 'metricType'), message: `${called(view)} has metricType: Utilization` }]
      : [],
  ),
};

const valueOfOurs: Rule = {
  code: 'PL021',
  title: 'metricType: Value on a count of replicas',
  severity: 'error',
  reason:
    'Value multiplies by the ready replicas: with 4 ready and 4 wanted the HPA computes 4 × 4 ÷ 1 = 16, and goes on ' +
    'to the maximum.',
  fix: 'Leave metricType out: AverageValue divides, and the count arrives as it is.',
  source: `${HPA}; observed: a constant 20 with target 10 gives 1, 2, 4, 8, 16`,
  check: eachTrigger((view, { usesModifiers }) => {
    const { ours, trigger } = view;
    if (ours === null || trigger.metricType !== 'Value' || usesModifiers || !addsUp(ours)) return [];
    const what =
      ours.stated['output'] === 'signal' ? 'a signal that adds up over replicas' : 'output: replicas';
    return [
      { path: pathOf(view, 'metricType'), message: `${called(view)} has metricType: Value with ${what}` },
    ];
  }),
};

/** A wanted count adds up, and so does an extensive signal; of an unknown profile nothing is said. */
function addsUp({ stated, fromEnv, profiles }: OurTrigger): boolean {
  if (fromEnv.has('output')) return false;
  return stated['output'] !== 'signal' || profiles.some(({ kind }) => kind === 'extensive');
}

const sharePerReplica: Rule = {
  code: 'PL022',
  title: 'A share, mean or latency with AverageValue',
  severity: 'error',
  reason:
    'AverageValue asks for ceil(value ÷ target) replicas: right for a sum, which grows with the load. A share of a ' +
    'GPU or a mean over the pods does not grow, so the replicas stay at one or two however long the queue.',
  fix: 'Set metricType: Value, or query the sum over the pods.',
  source: `${HPA}; KEDA 2.20 docs, reference/scaledobject-spec#triggers: AverageValue where nothing is given`,
  check: eachTrigger((view, subject) => {
    const { metricType = KEDA_DEFAULTS.metricType } = view.trigger;
    const { usesModifiers, settings } = subject;
    if (metricType !== 'AverageValue' || usesModifiers || settings.maxReplicaCount <= 1) return [];
    const signal = view.ours === null ? intensiveSignal(view) : null;
    return signal === null ? [] : [shareFault(view, signal, subject)];
  }),
};

function shareFault(view: TriggerView, signal: IntensiveSignal, { settings }: Subject): Fault {
  const { name, how, most, target } = signal;
  const path = pathOf(view, 'metadata', signal.key);
  if (most === null || target === null) {
    return {
      path,
      message: `${called(view)} takes ${how} (${name}) and divides it by the replicas once more`,
    };
  }
  const highest = Math.ceil(most / target);
  const max = settings.maxReplicaCount;
  const message = `${name} is at most ${most}: with target ${target} the HPA asks for at most ${highest}`;
  // What reaches the maximum all the same still jumps between one and the maximum.
  return highest < max
    ? { path, message: `${message}, never for ${max}` }
    : { path, message, severity: 'warning' };
}

const totalAsValue: Rule = {
  code: 'PL023',
  title: 'A sum over the pods with metricType: Value',
  severity: 'error',
  reason:
    'Value asks for ready × value ÷ target replicas, as if the value fell when replicas are added. A queue of 20 with ' +
    'target 10 gives 1, 2, 4, 8, 16 replicas while it stays at 20.',
  fix: 'Leave metricType out: AverageValue gives ceil(20 ÷ 10) = 2.',
  source: `${HPA}; observed with KEDA 2.20.2: the replicas double each sync`,
  check: eachTrigger((view, { usesModifiers }) => {
    const { query, ours, trigger } = view;
    if (trigger.metricType !== 'Value' || ours !== null || usesModifiers) return [];
    const growth = query === null ? null : growthOf(query.expression);
    if (growth?.kind !== 'total') return [];
    return [
      {
        path: pathOf(view, 'metricType'),
        message: `${called(view)} has metricType: Value on a sum of ${growth.metric}`,
      },
    ];
  }),
};

export const metricTypeRules: readonly Rule[] = [utilization, valueOfOurs, sharePerReplica, totalAsValue];
