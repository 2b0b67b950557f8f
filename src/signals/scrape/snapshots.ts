import { MINUTE, SECOND, type Millis } from '../../core/time.js';
import { PROCESS_START, type Needs } from './needs.js';
import type { ExpositionSample } from './sample-line.js';

/** One scrape of one target, cut to the series that profiles need. */
export interface Page {
  /** When the scrape began, as Prometheus stamps it. */
  readonly at: Millis;
  readonly samples: readonly ExpositionSample[];
}

export interface Point {
  readonly value: number;
  readonly at: Millis;
}

/** What is kept of an earlier page: by series, only those that are compared. */
export interface Past {
  readonly at: Millis;
  readonly points: ReadonlyMap<string, Point>;
}

export interface History {
  readonly page: Page;
  /** Youngest first. The first is the scrape before; what follows it is there for `delta` alone. */
  readonly earlier: readonly Past[];
}

/** A page this young is served again, and one that comes sooner replaces it: an interval that short measures noise. */
export const SAME_TICK: Millis = SECOND;

/** A target that was silent for longer begins anew: its mean rate since then would say nothing of now. */
export const FORGET_AFTER: Millis = 5 * MINUTE;

/** Pages kept per `over`, so that one sits within a sixteenth of it from the age that is wanted. */
const PER_OVER = 8;

/**
 * How far from `over` a snapshot may be and still stand for it: from half to one and a half times. A `delta` is not
 * extrapolated, so that with less history it has no value rather than one that is a fraction of what it should be.
 */
export const OVER_SLACK = 0.5;

/** `process_start_time_seconds` wanders by a second where it is worked out from the boot time at each scrape. */
const START_JITTER_SECONDS = 2;

/**
 * The history with its newest page. Bounded: the scrape before, and at most 13 pages (1.5 × over, 8 to an `over`)
 * of compared series behind it.
 */
export function withPage(before: History | null, page: Page, needs: Needs): History {
  if (before === null || restarted(before.page, page)) return { page, earlier: [] };
  const candidates =
    Math.abs(page.at - before.page.at) < SAME_TICK
      ? before.earlier
      : [pastOf(before.page, needs), ...before.earlier];
  return { page, earlier: thinned(candidates, page.at, needs.over) };
}

/** A point's own time where its line carries one, never later than the scrape: a clock that runs ahead is no future. */
export function pointOf(sample: ExpositionSample, scrapedAt: Millis): Point {
  return { value: sample.value, at: Math.min(sample.timestamp ?? scrapedAt, scrapedAt) };
}

function pastOf(page: Page, needs: Needs): Past {
  const points = new Map<string, Point>();
  for (const sample of page.samples) {
    if (needs.compared.has(sample.name)) points.set(sample.series, pointOf(sample, page.at));
  }
  return { at: page.at, points };
}

function thinned(candidates: readonly Past[], now: Millis, over: Millis): Past[] {
  const reach = over * (1 + OVER_SLACK);
  const [scrapeBefore, ...older] = candidates.filter((past) => past.at < now); // else the clock was set back
  if (scrapeBefore === undefined || now - scrapeBefore.at > Math.max(FORGET_AFTER, reach)) return [];
  // Only the first can stand too close to the next: it was the scrape before until now.
  const spaced = older.filter((past, index) => {
    const next = older[index + 1];
    return index > 0 || next === undefined || past.at - next.at >= over / PER_OVER;
  });
  return [scrapeBefore, ...spaced.filter((past) => now - past.at <= reach)];
}

/** A page that prints the start of several processes speaks for others; it says nothing of its own. */
function restarted(before: Page, now: Page): boolean {
  const [then, start] = [startOf(before), startOf(now)];
  return then !== null && start !== null && Math.abs(start - then) > START_JITTER_SECONDS;
}

function startOf(page: Page): number | null {
  const starts = page.samples.filter((sample) => sample.name === PROCESS_START);
  return starts.length === 1 ? (starts[0]?.value ?? null) : null;
}
