import type { Millis } from '../../core/time.js';
import type { MetricRequest } from '../../ports/metric-source.js';
import { aliveQuery, clusterQuery } from '../../policy/promql.js';
import { aliveAssembly, clusterAssembly, triggerAssembly, type Assembly } from './assembly.js';

/** A request as PromQL, and how its answer is to be read. */
export interface Question {
  readonly promql: string;
  /** A tenant's own query: bounded more tightly, and no evidence against the server when it is slow. */
  readonly fromTrigger: boolean;
  /** @param asked when the query was sent, on our clock */
  assembly(asked: Millis): Assembly;
}

/** The question, or why there is none. */
export function questionOf(request: MetricRequest, window: string): Question | string {
  const { profile, byModel, part = 'signal' } = request;
  const form = profile.prometheus;
  if ('none' in form) return `profile ${profile.name} cannot be read from Prometheus: ${form.none}`;
  if ('fromTrigger' in form) return triggerQuestion(request);
  if (part === 'signal') {
    return {
      promql: clusterQuery(profile, form, byModel, window),
      fromTrigger: false,
      assembly: (asked) => clusterAssembly(profile, byModel, asked),
    };
  }
  const promql = aliveQuery(profile, form, window);
  if (promql === null) return `profile ${profile.name} has no query for the pods that are up`;
  return { promql, fromTrigger: false, assembly: (asked) => aliveAssembly(profile, asked) };
}

function triggerQuestion({ profile, query, part = 'signal' }: MetricRequest): Question | string {
  if (part === 'alive') return `profile ${profile.name} has no query for the pods that are up`;
  if (query === undefined || query.trim() === '')
    return `profile ${profile.name} needs a query in the trigger`;
  return { promql: query, fromTrigger: true, assembly: triggerAssembly };
}
