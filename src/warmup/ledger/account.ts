import type { Millis } from '../../core/time.js';
import type { LoadTick } from '../../ports/ledger.js';

/** The running account of one warm-up. Plain data: it survives in the store. */
export interface Account {
  /** Up to where it is accounted; null before the first decision was seen. */
  readonly through: Millis | null;
  /** What the last decision said, which holds until the next. */
  readonly reactive: number;
  readonly actual: number;
  /** What the reactive decision asked for at the beginning: the warm-up added `replicas − base`. */
  readonly base: number;
  /** Replica-seconds. */
  readonly ahead: number;
  readonly aboveReactive: number;
  readonly avoided: number;
  readonly observedSeconds: number;
  readonly loadCameAt: Millis | null;
  /** Earlier reactive decisions that can still be the least of the lead time, and until when each held: both strictly rising. */
  readonly least: readonly { readonly until: Millis; readonly reactive: number }[];
}

export const NOTHING_SEEN: Account = {
  through: null,
  reactive: 0,
  actual: 0,
  base: 0,
  ahead: 0,
  aboveReactive: 0,
  avoided: 0,
  observedSeconds: 0,
  loadCameAt: null,
  least: [],
};

export interface Terms {
  readonly replicas: number;
  readonly leadTime: Millis;
}

/** A decision is taken to hold for so long at most: over a longer silence nothing is known, and nothing is counted. */
const LONGEST_GAP: Millis = 60_000;

/**
 * Adds one decision. Between two of them, `dt` seconds apart, hold what the earlier one said: `r` replicas reactively,
 * `a` ready ones, beside the warm-up's `f` replicas; `b` is the first `r` that was seen, and `L` the lead time.
 *
 * - ahead          += max(0, min(a, f) − r) · dt, until the load comes: ready replicas that nobody wanted yet
 * - above reactive += max(0, f − r) · dt, until the end: what the floor asked for that the load did not
 * - the load has come when r > b + (f − b) / 2, more than half of what was added; where f ≤ b, when r ≥ f
 * - avoided        += max(0, min(r, a, f) − c) · dt with c the least r of the last L seconds, and b before the first:
 *   replayed without the warm-up, a replica is ready once it has been wanted for a lead time, and c were
 *
 * With f = 5, b = 1, L = 60 s, a = 5 throughout and r rising from 1 to 5 after 100 s, then 200 s more: ahead 400,
 * above reactive 400, avoided 4 · 60 = 240 replica-seconds.
 */
export function account(before: Account, terms: Terms, tick: LoadTick): Account {
  const { through } = before;
  if (through !== null && tick.at <= through) return before; // another scaler replica wrote it down already
  const passed = through === null ? { ...before, base: tick.reactive } : overTime(before, terms, tick.at);
  const former = { until: tick.at, reactive: through === null ? tick.reactive : before.reactive };
  const came = hasCome(passed.base, terms.replicas, tick.reactive);
  return {
    ...passed,
    through: tick.at,
    reactive: tick.reactive,
    actual: tick.actual,
    loadCameAt: passed.loadCameAt ?? (came ? tick.at : null),
    least: [
      ...passed.least.filter(
        ({ until, reactive }) => until > tick.at - terms.leadTime && reactive < former.reactive,
      ),
      former,
    ],
  };
}

/** The same decision goes on until `at`, the end of the warm-up. */
export function closed(before: Account, terms: Terms, at: Millis): Account {
  const { through } = before;
  return through === null || at <= through ? before : { ...overTime(before, terms, at), through: at };
}

function overTime(before: Account, { replicas, leadTime }: Terms, at: Millis): Account {
  const through = before.through ?? at;
  const dt = Math.min(at - through, LONGEST_GAP) / 1000;
  const { reactive, actual, least, loadCameAt } = before;
  const earlier = least.find(({ until }) => until > through - leadTime)?.reactive ?? reactive;
  const without = Math.min(earlier, reactive);
  const ahead = loadCameAt === null ? Math.max(0, Math.min(actual, replicas) - reactive) : 0;
  return {
    ...before,
    ahead: before.ahead + ahead * dt,
    aboveReactive: before.aboveReactive + Math.max(0, replicas - reactive) * dt,
    avoided: before.avoided + Math.max(0, Math.min(reactive, actual, replicas) - without) * dt,
    observedSeconds: before.observedSeconds + dt,
  };
}

function hasCome(base: number, replicas: number, reactive: number): boolean {
  return replicas > base ? reactive > base + (replicas - base) / 2 : reactive >= replicas;
}
