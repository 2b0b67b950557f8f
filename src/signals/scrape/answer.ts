import type { ScrapeForm } from '../../policy/profile.js';
import type { MetricSeries } from '../../ports/metric-source.js';
import type { ScrapeTarget } from '../../ports/scrape-targets.js';
import { evaluate, type Evaluated } from './expression.js';
import { createOwners, type Owned, type Owner, type Question } from './owners.js';
import type { Scrape } from './target-pages.js';

/**
 * One value for each pod, Service or model that the pages speak of and that is known.
 *
 * @param pause awaited between the owners, so that many of them do not hold the event loop
 */
export async function seriesOf(
  question: Question,
  targets: readonly ScrapeTarget[],
  scrapes: ReadonlyMap<string, Scrape>,
  pause: () => Promise<void>,
): Promise<MetricSeries[]> {
  const owners = createOwners(question);
  const silent = new Set<string>();
  for (const target of targets) {
    await pause();
    const scrape = scrapes.get(target.url);
    if (scrape?.kind === 'served') owners.add(target, scrape.history);
    else if (target.kind === 'pod') silent.add(podKey(target));
  }
  const series: MetricSeries[] = [];
  for (const owned of owners.all()) {
    await pause();
    // What the other endpoint of a pod would have said is not known, so neither is what the pod lacks.
    const one = silent.has(podKey(owned.owner)) ? null : worth(owned, question.form);
    if (one !== null) series.push(one);
  }
  return series;
}

/** 1 for each pod whose endpoint served a page, at the time of the scrape. */
export function podsAlive(
  targets: readonly ScrapeTarget[],
  scrapes: ReadonlyMap<string, Scrape>,
): MetricSeries[] {
  return targets.flatMap((target) => {
    const scrape = scrapes.get(target.url);
    if (target.kind !== 'pod' || scrape?.kind !== 'served') return [];
    const sample = { pod: target.pod, value: 1, at: scrape.history.page.at };
    return [{ namespace: target.namespace, service: null, model: null, sample }];
  });
}

export function podKey({ namespace, pod }: Pick<Owner, 'namespace' | 'pod'>): string {
  return `${namespace}/${pod ?? ''}`;
}

/** The value of one owner, or null while it is not known. */
function worth(owned: Owned, form: ScrapeForm): MetricSeries | null {
  const value = evaluate(form.value, owned.series);
  const weight = form.weight === undefined ? undefined : evaluate(form.weight, owned.series);
  if (value === 'early' || weight === 'early') return null;
  if (value !== 'absent') return measured(owned, value, weight);
  if (form.otherwise === undefined) return null;
  // Served, and nothing has happened there: the value that the profile gives, which weighs nothing.
  return measured(owned, form.otherwise, weight === 'absent' ? 0 : weight);
}

/** True at the time of the scrape, or of the youngest series behind it where all carry timestamps of their own. */
function measured({ owner, at, series }: Owned, value: number, weight?: Evaluated): MetricSeries {
  const { namespace, pod, service, model } = owner;
  const youngest = series.reduce((latest, one) => Math.max(latest, one.at), series.length === 0 ? at : 0);
  const weighs = typeof weight === 'number' && weight >= 0 ? { weight } : {};
  return { namespace, service, model, sample: { pod, value, at: youngest, ...weighs } };
}
