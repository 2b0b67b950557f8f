import { SECOND, type Millis } from '../../core/time.js';
import type { ScrapeForm } from '../../policy/profile.js';
import type { Clock } from '../../ports/clock.js';
import type { MetricAnswer, MetricRequest, MetricSource } from '../../ports/metric-source.js';
import type { ScrapeTarget, ScrapeTargets } from '../../ports/scrape-targets.js';
import { podKey, podsAlive, seriesOf } from './answer.js';
import { createPause } from './event-loop.js';
import { createExchanges } from './exchanges.js';
import { createHistories } from './histories.js';
import { needsOf } from './needs.js';
import { createPageClient } from './page-client.js';
import { createTargetPages, type Scrape } from './target-pages.js';

export interface ScrapeOptions {
  readonly targets: ScrapeTargets;
  readonly clock: Clock;
  /** Of one target, and so of a read: waiting for a turn, connecting, the whole page. */
  readonly timeoutMs?: Millis;
  /** Of one page, decompressed. */
  readonly maxBodyBytes?: number;
  /** Scrapes under way at once. */
  readonly concurrency?: number;
  /** Series of one page that profiles ask for. */
  readonly maxSeries?: number;
  /** Series kept of all pages together; beyond them, targets with more than an equal share fail. */
  readonly maxHeld?: number;
  /** Targets beyond these are not scraped and count as failed. */
  readonly maxTargets?: number;
}

export interface ScrapeSource extends MetricSource {
  /** The targets whose last scrape failed: an answer from the others does not tell. */
  faults(): { url: string; why: string }[];
  /** Ends the scrapes under way, which count as failed, and the connections. */
  close(): void;
}

/**
 * Reads profiles straight from `/metrics` endpoints.
 *
 * A target that fails is unknown: no sample, never 0. A read fails only when all its targets do; an answer for a
 * Service from some of its gateways is therefore less than the whole, as it is in Prometheus.
 */
export function createScrapeSource(options: ScrapeOptions): ScrapeSource {
  const {
    targets,
    clock,
    timeoutMs = 3 * SECOND,
    maxBodyBytes = 8 * 1024 * 1024,
    concurrency = 64,
  } = options;
  const { maxSeries = 10_000, maxTargets = 5_000, maxHeld = 500_000 } = options;
  const pause = createPause();
  const client = createPageClient(maxBodyBytes, pause);
  const exchanges = createExchanges(concurrency, timeoutMs);
  const histories = createHistories(maxHeld);
  const pages = createTargetPages({ client, exchanges, histories, clock, maxSeries });
  let closed = false;

  async function read({ profile, byModel, part }: MetricRequest): Promise<MetricAnswer> {
    const form = profile.scrape;
    if (closed) return failed('the scrape source has been closed');
    if ('none' in form) return failed(`${profile.name} cannot be scraped: ${form.none}`);
    if (part === 'alive' && 'labels' in form) return failed('an exporter does not tell which pods are up');
    const listed = targets.list();
    pages.keepOnly(new Set(listed.map(({ url }) => url)));
    const chosen = targetsOf(form, listed);
    if (chosen.length === 0) return failed(`no scrape target of ${whoServes(form)} for ${profile.name}`);
    const needs = needsOf(form);
    const scrapes = await pages.scrape(new Set(chosen.slice(0, maxTargets).map(({ url }) => url)), needs);
    if (![...scrapes.values()].some(({ kind }) => kind === 'served')) return failed(allFailed(scrapes));
    if (part === 'alive') return { kind: 'answered', series: podsAlive(chosen, scrapes) };
    const question = { profile, form, names: needs.names, byModel };
    return { kind: 'answered', series: await seriesOf(question, chosen, scrapes, pause) };
  }

  return {
    read,
    faults: () => pages.faults(),
    close() {
      closed = true;
      exchanges.close();
      client.close();
    },
  };
}

/**
 * A pod with several targets is scraped where the profile says its metrics are, if one of them is there: its other
 * endpoints are other programs'. With no such target (a file may name any port) all are taken together.
 */
function targetsOf(form: ScrapeForm, listed: readonly ScrapeTarget[]): ScrapeTarget[] {
  if ('labels' in form)
    return listed.filter((target) => target.kind === 'exporter' && target.exporter === form.from);
  const pods = listed.filter((target) => target.kind === 'pod');
  const there = new Set(pods.filter((target) => isAt(target.url, form)));
  const settled = new Set([...there].map(podKey));
  return pods.filter((target) => there.has(target) || !settled.has(podKey(target)));
}

function isAt(url: string, form: { port: number; path: string }): boolean {
  if (!URL.canParse(url)) return false;
  const { protocol, port, pathname } = new URL(url);
  return Number(port || (protocol === 'https:' ? 443 : 80)) === form.port && pathname === form.path;
}

function failed(why: string): MetricAnswer {
  return { kind: 'failed', why };
}

function whoServes(form: ScrapeForm): string {
  return 'labels' in form ? `the exporter "${form.from}"` : 'a pod';
}

function allFailed(scrapes: ReadonlyMap<string, Scrape>): string {
  const [first] = scrapes;
  const why = first?.[1].kind === 'failed' ? `${first[0]}: ${first[1].why}` : '';
  return scrapes.size === 1 ? why : `all ${scrapes.size} scrape targets failed; the first, ${why}`;
}
