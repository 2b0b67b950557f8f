import type { Millis } from '../../core/time.js';
import type { MetricRequest } from '../../ports/metric-source.js';
import type { Profile, PrometheusForm } from '../../policy/profile.js';
import { aliveQuery, clusterQuery } from '../../policy/promql.js';
import { aliveAssembly, clusterAssembly, labelSetsFor, triggerAssembly, type Assembly } from './assembly.js';
import { rememberedLabelSets } from './label-sets.js';

/** A request as PromQL, and how its answer is to be read. */
export interface Question {
  readonly promql: string;
  /** A tenant's own query: bounded more tightly, and no evidence against the server when it is slow. */
  readonly fromTrigger: boolean;
  /** @param asked when the query was sent, on our clock */
  assembly(asked: Millis): Assembly;
}

/**
 * Turns requests into questions, or says why there is none. A profile's questions are made once: what the answers to
 * them have in common is remembered with them.
 */
export function createQuestions(window: string): (request: MetricRequest) => Question | string {
  const known = new WeakMap<Profile, Map<string, Question | string>>();
  return (request) => {
    const { profile, byModel, part = 'signal' } = request;
    const form = profile.prometheus;
    if ('none' in form) return `profile ${profile.name} cannot be read from Prometheus: ${form.none}`;
    if ('fromTrigger' in form) return triggerQuestion(request);
    const ofProfile = known.get(profile) ?? new Map<string, Question | string>();
    known.set(profile, ofProfile);
    const key = part === 'alive' ? part : `${part} ${String(byModel)}`;
    const question = ofProfile.get(key) ?? profileQuestion(profile, form, byModel, part, window);
    ofProfile.set(key, question);
    return question;
  };
}

function profileQuestion(
  profile: Profile,
  form: PrometheusForm,
  byModel: boolean,
  part: 'signal' | 'alive',
  window: string,
): Question | string {
  if (part === 'signal') {
    const next = rememberedLabelSets(() => labelSetsFor(profile, byModel));
    return {
      promql: clusterQuery(profile, form, byModel, window),
      fromTrigger: false,
      assembly: (asked) => clusterAssembly(profile, byModel, asked, next()),
    };
  }
  const promql = aliveQuery(profile, form, window);
  if (promql === null) return `profile ${profile.name} has no query for the pods that are up`;
  return { promql, fromTrigger: false, assembly: aliveAssembly };
}

function triggerQuestion({ profile, query, part = 'signal' }: MetricRequest): Question | string {
  if (part === 'alive') return `profile ${profile.name} has no query for the pods that are up`;
  if (query === undefined || query.trim() === '')
    return `profile ${profile.name} needs a query in the trigger`;
  return { promql: query, fromTrigger: true, assembly: triggerAssembly };
}
