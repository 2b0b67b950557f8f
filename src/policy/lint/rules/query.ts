import { DUTY_CYCLE, MEASURED_ON, WAITING_ALONE } from '../measured.js';
import { misusedCounters, shortRanges } from '../promql/counters.js';
import type { Expression } from '../promql/expression.js';
import { seriesCount } from '../promql/series.js';
import { eachTrigger, type Fault, type Rule } from '../rule.js';
import { servingMetric, type Nature } from '../serving-metrics.js';
import { pathOf, type Subject, type TriggerView } from '../subject.js';

/** Rules about PromQL: of KEDA's prometheus scaler, and of profiles that take their query from the trigger. */
function eachQuery(check: (expression: Expression, view: TriggerView, subject: Subject) => string[]) {
  return eachTrigger((view, subject): Fault[] => {
    const { query } = view;
    if (query === null) return [];
    const messages = new Set(check(query.expression, view, subject));
    return [...messages].map((message) => ({ path: pathOf(view, 'metadata', 'query'), message }));
  });
}

const severalSeries: Rule = {
  code: 'PL030',
  title: 'The query returns one series per pod',
  severity: 'error',
  reason:
    'KEDA’s prometheus scaler takes exactly one element. With two pods the query returns two, the trigger errors, and ' +
    'the replicas stay as they are.',
  fix: 'Aggregate: sum(…) for what adds up; for a share or a time avg(…) or max(…), with metricType: Value.',
  source: 'KEDA 2.20 pkg/scalers/prometheus_scaler.go: “returned multiple elements”',
  check: eachQuery((expression, { ours }, { settings }) => {
    if (ours !== null || settings.maxReplicaCount <= 1) return [];
    const count = seriesCount(expression);
    return count.kind === 'several' ? [`nothing aggregates ${count.metric} over the pods`] : [];
  }),
};

const misreadCounter: Rule = {
  code: 'PL031',
  title: 'A counter read as a gauge',
  severity: 'error',
  reason:
    'A counter only grows, so the replicas only grow, until a restart takes it to 0. delta does not know restarts: ' +
    'from 23 600 to 300 it reports −23 300, where increase reports 300.',
  fix: 'Use rate(…[1m]) or increase(…[1m]).',
  source:
    'Prometheus docs, querying/functions#delta and #rate; Triton docs, metrics (counters without _total)',
  check: eachQuery((expression) =>
    misusedCounters(expression).map(({ metric, by }) =>
      by === null ? `${metric} is a counter and is read as it is` : `${by}() on the counter ${metric}`,
    ),
  ),
};

/** Seconds: at a scrape every 15 s such a range holds two samples, the fewest that make a rate. */
const SHORT_RANGE = 30;

const shortRange: Rule = {
  code: 'PL032',
  title: 'A range that one lost scrape empties',
  severity: 'warning',
  reason:
    'A rate needs two samples. At a scrape every 15 s, [30s] holds just two: with 3 % of scrapes lost 7 % of the ' +
    'evaluations are empty; at 20 s half of them are, at 30 s all. KEDA takes an empty answer for 0.',
  fix: 'Use four scrape intervals: [1m] at 15 s.',
  source: 'Prometheus 3 promql/functions.go, extrapolatedRate; computed for steady counters',
  check: eachQuery((expression) =>
    shortRanges(expression, SHORT_RANGE).map(({ call, range }) => `${call}() over ${range} s`),
  ),
};

const poorSignal: Rule = {
  code: 'PL033',
  title: 'Waiting requests alone, or a duty cycle',
  severity: 'warning',
  reason: 'Neither says how much of the capacity is in use.',
  fix: 'Scale on requests waiting and running, at about 70 % of what one replica serves at once.',
  source: MEASURED_ON,
  check: (subject) => [...waitingAlone(subject), ...dutyCycles(subject)],
};

function waitingAlone({ triggers }: Subject): Fault[] {
  const sees = (view: TriggerView, kind: Nature['kind']) =>
    natures(view).some((nature) => nature?.kind === kind);
  if (triggers.some((view) => view.ours !== null || sees(view, 'running'))) return [];
  return triggers.flatMap((view): Fault[] => {
    const all = natures(view);
    const [metric] = view.query?.metrics ?? [];
    if (metric === undefined || !all.every((nature) => nature?.kind === 'waiting')) return [];
    return [
      {
        path: pathOf(view, 'metadata', 'query'),
        message: `${metric} counts waiting requests alone`,
        reason: WAITING_ALONE,
      },
    ];
  });
}

function dutyCycles({ triggers }: Subject): Fault[] {
  return triggers.flatMap((view): Fault[] => {
    const metric = view.query?.metrics.find((name) => {
      const nature = servingMetric(name)?.nature;
      return nature?.kind === 'share' && nature.duty;
    });
    if (metric === undefined || view.ours !== null) return [];
    return [
      { path: pathOf(view, 'metadata', 'query'), message: `${metric} is a duty cycle`, reason: DUTY_CYCLE },
    ];
  });
}

function natures({ query }: TriggerView): (Nature | undefined)[] {
  return (query?.metrics ?? []).map((metric) => servingMetric(metric)?.nature);
}

export const queryRules: readonly Rule[] = [severalSeries, misreadCounter, shortRange, poorSignal];
