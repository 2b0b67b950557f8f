import type { PrometheusForm, Profile } from './profile.js';

/** The label that tells the parts of one answer apart. */
export const PART_LABEL = 'pilotlight';
export type Part = 'value' | 'at' | 'weight';

/** The labels that one series of a profile's answer carries, apart from the part's. */
export function seriesLabels(profile: Profile, byModel: boolean): string[] {
  const owner = profile.series === 'pod' ? ['namespace', 'pod'] : ['namespace', 'service'];
  return byModel && profile.model !== undefined ? [...owner, profile.model] : owner;
}

/**
 * One query for a profile's signal over the whole cluster: values, the timestamps of the samples behind them and, for
 * means over requests, weights, told apart by a label. An instant query alone would stamp each value with the moment
 * of evaluation and so hide how old it is.
 *
 * @param window the rate window, a PromQL duration such as `1m`
 */
export function clusterQuery(
  profile: Profile,
  form: PrometheusForm,
  byModel: boolean,
  window: string,
): string {
  const parts: [Part, string | undefined][] = [
    ['value', form.value],
    ['at', form.at],
    ['weight', form.weight],
  ];
  return parts
    .flatMap(([part, query]) =>
      query === undefined ? [] : [marked(part, filled(query, profile, byModel, window))],
    )
    .join(' or ');
}

/** The query for the pods that are up, for profiles whose metric is missing until the first request. */
export function aliveQuery(profile: Profile, form: PrometheusForm, window: string): string | null {
  return form.alive === undefined ? null : filled(form.alive, profile, false, window);
}

function marked(part: Part, query: string): string {
  return `label_replace(${query}, "${PART_LABEL}", "${part}", "", "")`;
}

function filled(query: string, profile: Profile, byModel: boolean, window: string): string {
  return query
    .trim()
    .replaceAll('{{by}}', seriesLabels(profile, byModel).join(', '))
    .replaceAll('{{window}}', window);
}
