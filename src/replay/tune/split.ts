import { firstRowFrom, requestsBetween, type Load } from '../load.js';
import { defaultScoreFrom } from '../setup.js';

/** Seconds of the load, the end not included, and the requests that came in them. */
export interface Part {
  readonly from: number;
  readonly to: number;
  readonly requests: number;
}

/** Where the load is cut: settings are chosen on the earlier part and checked on the later one, as in life. */
export interface Split {
  /** `days`: whole days on both sides. `halves`: too short for that. `none`: one part would have no requests. */
  readonly kind: 'days' | 'halves' | 'none';
  readonly search: Part;
  /** Null: nothing to check on. */
  readonly check: Part | null;
}

const DAY = 86_400;

/**
 * The first day warms up, where there are three or more; half of the others, rounded up, are searched and the rest is
 * the check. Of two days one is searched, but for its first hour. A load of less has no days to hold back: the later half
 * of it shows whether the choice holds an hour longer, and nothing of another day.
 *
 * @param scoreFrom where the user says that the score begins; null: as a replay of the search part has it
 * @param searchDays whole days from the load's start that belong to the search, warm-up included; null: as above
 * @throws RangeError where what the user says leaves nothing to search or to check
 */
export function splitOf(load: Load, scoreFrom: number | null, searchDays: number | null): Split {
  const { seconds } = load;
  const days = Math.floor(seconds / DAY);
  if (
    searchDays !== null &&
    !(Number.isInteger(searchDays) && searchDays >= 1 && searchDays * DAY < seconds)
  ) {
    throw new RangeError(
      `--search-days: got ${searchDays}, expected whole days, fewer than the load has (${Number((seconds / DAY).toFixed(2))})`,
    );
  }
  const kind = days >= 2 ? 'days' : 'halves';
  // An hour, or a quarter of the search part, warms up what is shorter: with a seventh of the whole both parts are equal.
  const warm = kind === 'days' ? DAY : Math.min(3600, seconds / 7);
  const middle = ((scoreFrom ?? warm) + seconds) / 2;
  const half = kind === 'days' ? Math.min(days - 1, Math.ceil(middle / DAY)) * DAY : Math.ceil(middle);
  const at = searchDays === null ? half : searchDays * DAY;
  const from = scoreFrom ?? defaultScoreFrom(at);
  if (from >= at)
    throw new RangeError(`--score-from: got ${from} s, expected less than the search's ${at} s`);
  const search = part(load, from, at);
  const check = part(load, at, seconds);
  if (search.requests > 0 && check.requests > 0) return { kind, search, check };
  return { kind: 'none', search: part(load, scoreFrom ?? defaultScoreFrom(seconds), seconds), check: null };
}

function part(load: Load, from: number, to: number): Part {
  return { from, to, requests: requestsBetween(load, from, to) };
}

/** The load up to a second, on the same memory. */
export function loadUntil(load: Load, second: number): Load {
  const end = firstRowFrom(load, second);
  return {
    seconds: Math.min(load.seconds, second),
    at: load.at.subarray(0, end),
    requests: load.requests.subarray(0, end),
    inputTokens: load.inputTokens?.subarray(0, end) ?? null,
    outputTokens: load.outputTokens?.subarray(0, end) ?? null,
  };
}
