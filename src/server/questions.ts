import type { Profile } from '../policy/profile.js';
import type { MetricSource } from '../ports/metric-source.js';
import type { ScrapeTarget } from '../ports/scrape-targets.js';
import type { ScaleTarget } from '../ports/workloads.js';
import type { Question } from './board.js';
import { ownersOf } from './series-index.js';
import type { Workload } from './workload.js';

/** Where a signal can come from, as the operator has set the server up. */
export interface Sources {
  /** The server's own Prometheus. Null: none was given. */
  readonly prometheus: MetricSource | null;
  /** The Prometheus that a trigger names, with its address in one spelling; null when it is not on the allow list. */
  prometheusAt(address: string): PrometheusAt | null;
  readonly scrape: MetricSource | null;
  readonly queues: MetricSource | null;
}

export interface PrometheusAt {
  /** Empty for the server's own, so that it is asked once, whether a trigger names it or not. */
  readonly url: string;
  readonly source: MetricSource;
}

/** Which workloads and exporters can be scraped at this tick. */
export interface Scrapable {
  readonly owners: ReadonlySet<string>;
  readonly exporters: ReadonlySet<string>;
}

export function scrapable(targets: readonly ScrapeTarget[]): Scrapable {
  const owners = new Set<string>();
  const exporters = new Set<string>();
  for (const target of targets) {
    if (target.kind === 'exporter') exporters.add(target.exporter);
    else for (const owner of ownersOf(target.namespace, target.pod)) owners.add(owner);
  }
  return { owners, exporters };
}

export type Asked =
  | Question
  /** There is no source for it; the words say what the operator can do. */
  | { readonly cannot: string }
  /** The scrape targets are all there is to ask, and none of them is a pod of this workload. */
  | { readonly noTarget: true };

/** How one signal of a workload is read: directly where its endpoints are known, else from Prometheus. */
export function questionFor(
  workload: Workload,
  profile: Profile,
  sources: Sources,
  direct: Scrapable,
): Asked {
  if (profile.series === 'queue') return queueQuestion(workload, profile, sources);
  const byModel = workload.trigger.model !== null && profile.model !== undefined;
  if (sources.scrape !== null && canScrape(profile, workload.target, direct)) {
    const request = { profile, byModel };
    return { key: `scrape|${profile.name}|${String(byModel)}`, source: sources.scrape, request };
  }
  const onlyScraped = sources.prometheus === null && workload.trigger.prometheusAddress === null;
  if (sources.scrape !== null && onlyScraped && isFromPods(profile)) return { noTarget: true };
  if ('none' in profile.prometheus) return { cannot: `${profile.name}: ${profile.prometheus.none}` };
  return prometheusQuestion(workload, profile, sources, byModel);
}

function prometheusQuestion(workload: Workload, profile: Profile, sources: Sources, byModel: boolean): Asked {
  const address = workload.trigger.prometheusAddress;
  const own = sources.prometheus === null ? null : { url: '', source: sources.prometheus };
  const at = address === null ? own : sources.prometheusAt(address);
  if (at === null) {
    return {
      cannot:
        address === null
          ? 'no source: give the server --prometheus, or scrape targets that hold the pods'
          : `${address} is not on the server's allow list (--allow-prometheus), or the list's paths are used up`,
    };
  }
  const query = 'fromTrigger' in profile.prometheus ? workload.query : null;
  if (query === null) return sharedQuestion(profile, at, byModel);
  return {
    key: keyFor(profile, at, byModel, query),
    source: at.source,
    request: { profile, byModel, query },
  };
}

/**
 * Questions that thousands of workloads have in common, by source (one address each), profile and whether by model: made
 * once, so that ticks neither write their keys anew nor work out anew what those stand for.
 */
const shared = new WeakMap<MetricSource, WeakMap<Profile, Map<boolean, Question>>>();

function sharedQuestion(profile: Profile, at: PrometheusAt, byModel: boolean): Question {
  const ofSource = shared.get(at.source) ?? new WeakMap<Profile, Map<boolean, Question>>();
  shared.set(at.source, ofSource);
  const ofProfile = ofSource.get(profile) ?? new Map<boolean, Question>();
  ofSource.set(profile, ofProfile);
  const known = ofProfile.get(byModel);
  if (known !== undefined) return known;
  const key = keyFor(profile, at, byModel, '');
  const question = { key, source: at.source, request: { profile, byModel } };
  ofProfile.set(byModel, question);
  return question;
}

function keyFor(profile: Profile, at: PrometheusAt, byModel: boolean, query: string): string {
  return `prometheus|${at.url}|${profile.name}|${String(byModel)}|${query}`;
}

function queueQuestion(workload: Workload, profile: Profile, sources: Sources): Asked {
  if (sources.queues === null) return { cannot: `${profile.name}: needs the server's --redis` };
  const queue = workload.trigger.queue ?? '';
  return {
    key: `queue|${profile.name}|${queue}`,
    source: sources.queues,
    request: { profile, byModel: false, queue },
  };
}

const alive = new WeakMap<Question, Question | null>();

/** The question for the pods that are up, for profiles whose metric is missing until the first request. */
export function aliveQuestion(question: Question): Question | null {
  const known = alive.get(question);
  if (known !== undefined) return known;
  const made = newAliveQuestion(question);
  alive.set(question, made);
  return made;
}

function newAliveQuestion(question: Question): Question | null {
  const form = question.request.profile.prometheus;
  if (!question.key.startsWith('prometheus|') || !('alive' in form) || form.alive === undefined) return null;
  return {
    key: `alive|${question.key}`,
    source: question.source,
    request: { profile: question.request.profile, byModel: false, part: 'alive' },
  };
}

function isFromPods({ scrape }: Profile): boolean {
  return !('none' in scrape) && scrape.from === 'pod';
}

function canScrape(profile: Profile, target: ScaleTarget, direct: Scrapable): boolean {
  const { scrape } = profile;
  if ('none' in scrape) return false;
  if (scrape.from === 'pod') return direct.owners.has(`${target.kind}/${target.namespace}/${target.name}`);
  return direct.exporters.has(scrape.from);
}
