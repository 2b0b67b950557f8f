import type { Millis } from '../../core/time.js';
import type { Clock } from '../../ports/clock.js';
import type { Exchanges } from './exchanges.js';
import { createExpositionReader } from './exposition.js';
import type { Histories } from './histories.js';
import { covers, NO_NEEDS, withNeeds, type Needs } from './needs.js';
import type { PageClient } from './page-client.js';
import { SAME_TICK, type History } from './snapshots.js';

export type Scrape =
  | { readonly kind: 'served'; readonly history: History; readonly needs: Needs }
  | { readonly kind: 'failed'; readonly why: string };

export interface PagesOptions {
  readonly client: PageClient;
  readonly exchanges: Exchanges;
  readonly histories: Histories;
  readonly clock: Clock;
  /** Series of one page that profiles ask for; a page with more fails. */
  readonly maxSeries: number;
}

/** The pages of all targets and what came before them, by URL. */
export interface TargetPages {
  /**
   * The newest page of each target, with all that `asked` needs of it. Whoever asks for the same target in the same
   * tick shares one GET. Never rejects.
   */
  scrape(urls: Iterable<string>, asked: Needs): Promise<Map<string, Scrape>>;
  /** Forgets the targets that are not in the set. */
  keepOnly(urls: ReadonlySet<string>): void;
  /** The targets whose last scrape failed, and why. */
  faults(): { url: string; why: string }[];
}

interface Target {
  readonly url: string;
  flight: Promise<Scrape> | null;
  last: { readonly scrape: Scrape; readonly settledAt: Millis } | null;
}

export function createTargetPages(options: PagesOptions): TargetPages {
  const targets = new Map<string, Target>();
  /** Of all profiles asked so far: what one page is read for, so that it serves them all. */
  let needs = NO_NEEDS;

  function targetOf(url: string): Target {
    const known = targets.get(url);
    if (known !== undefined) return known;
    const target: Target = { url, flight: null, last: null };
    targets.set(url, target);
    return target;
  }

  async function newest(target: Target, asked: Needs): Promise<Scrape> {
    const recent = target.flight ?? stillGood(target, options.clock.now()) ?? startScrape(target);
    const scrape = await recent;
    // A page that was being read when this profile first asked lacks its names. The next one has them.
    return scrape.kind === 'served' && !covers(scrape.needs, asked)
      ? ((await target.flight) ?? startScrape(target))
      : scrape;
  }

  function startScrape(target: Target): Promise<Scrape> {
    target.flight = options.exchanges
      .run((signal) => readPage(target, signal))
      .catch((error: Error): Scrape => ({ kind: 'failed', why: error.message }))
      .then((scrape) => {
        target.flight = null;
        target.last = { scrape, settledAt: options.clock.now() };
        return scrape;
      });
    return target.flight;
  }

  async function readPage(target: Target, signal: AbortSignal): Promise<Scrape> {
    const at = options.clock.now();
    let read = needs;
    const parsed = await options.client.read(target.url, signal, (format) => {
      read = needs; // those who asked while the request was on its way are served as well
      const { names } = read;
      return createExpositionReader({
        format,
        wanted: (name) => names.has(name),
        maxSamples: options.maxSeries,
      });
    });
    if (parsed.kind === 'malformed') return { kind: 'failed', why: `line ${parsed.line}: ${parsed.why}` };
    const history = options.histories.add(target.url, { at, samples: parsed.samples }, read);
    return history === null
      ? { kind: 'failed', why: 'it has more series than its share of those that can be kept' }
      : { kind: 'served', history, needs: read };
  }

  return {
    async scrape(urls, asked) {
      needs = withNeeds(needs, asked);
      // Those that failed last time go last: pods that hang must not hold the places that others need.
      const order = [...urls].map(targetOf).sort((a, b) => failures(a) - failures(b));
      const scrapes = await Promise.all(order.map((target) => newest(target, asked)));
      return new Map(order.map((target, index) => [target.url, scrapes[index] as Scrape]));
    },
    keepOnly(urls) {
      for (const url of targets.keys()) if (!urls.has(url)) targets.delete(url);
      options.histories.keepOnly(urls);
    },
    faults: () => [...targets.values()].flatMap(faultOf),
  };
}

/** Failures too: three profiles on a pod that hangs are not three timeouts. */
function stillGood({ last }: Target, now: Millis): Scrape | null {
  if (last === null) return null;
  const age = now - last.settledAt;
  return age >= 0 && age < SAME_TICK ? last.scrape : null;
}

function faultOf({ url, last }: Target): { url: string; why: string }[] {
  return last?.scrape.kind === 'failed' ? [{ url, why: last.scrape.why }] : [];
}

function failures(target: Target): number {
  return faultOf(target).length;
}
