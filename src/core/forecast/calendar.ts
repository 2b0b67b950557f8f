import { MINUTE, type Millis } from '../time.js';

/**
 * The highest level needed in each five minutes of the last eight days: what the same time of yesterday and of last week
 * says about now. 2 304 bytes.
 */
export interface Calendar {
  /** By slot number modulo its length; UNKNOWN where nothing was seen. */
  readonly peaks: Uint8Array;
  /** The slot that is being filled; null before the first. */
  slot: number | null;
}

export const SLOT: Millis = 5 * MINUTE;
const SLOTS_A_DAY = 288;
const DAYS = 7;
const ROOM = (DAYS + 1) * SLOTS_A_DAY;
const UNKNOWN = 255;
/** A day counts for so much less than the one after it. */
const DAILY_WEIGHT = 0.75;
/** A peak that close below a level counts for something. */
const NEAR = 0.7;
const NEAR_WEIGHT = 0.4;

export function createCalendar(): Calendar {
  return { peaks: new Uint8Array(ROOM).fill(UNKNOWN), slot: null };
}

/** Notes the highest level needed at a moment; slots that were passed over are unknown. */
export function notePeak(calendar: Calendar, at: Millis, level: number): void {
  const slot = Math.floor(at / SLOT);
  if (calendar.slot === null || slot - calendar.slot >= ROOM) calendar.peaks.fill(UNKNOWN);
  else
    for (let passed = calendar.slot + 1; passed <= slot; passed += 1) calendar.peaks[index(passed)] = UNKNOWN;
  const isNew = calendar.slot === null || slot > calendar.slot;
  const before = isNew ? UNKNOWN : (calendar.peaks[index(slot)] ?? UNKNOWN);
  const peak = Math.min(UNKNOWN - 1, level);
  calendar.peaks[index(slot)] = before === UNKNOWN ? peak : Math.max(before, peak);
  calendar.slot = isNew ? slot : calendar.slot;
}

/** What each of the last seven days reached from this time of day until the horizon, newest first; −1 where unknown. */
export function peaksAt(calendar: Calendar, now: Millis, horizon: Millis, peaks: Int16Array): Int16Array {
  const first = Math.floor(now / SLOT);
  const last = first + Math.ceil(horizon / SLOT);
  for (let day = 1; day <= DAYS; day += 1) {
    let most = -1;
    for (let slot = first - day * SLOTS_A_DAY; slot <= last - day * SLOTS_A_DAY; slot += 1) {
      const peak = calendar.peaks[index(slot)] ?? UNKNOWN;
      if (peak !== UNKNOWN && peak > most) most = peak;
    }
    peaks[day - 1] = most;
  }
  return peaks;
}

/** How often the level was needed at this time of day. */
export interface SameTime {
  /** Weights of the days known, of those that needed the level, and of those that nearly did. */
  days: number;
  needed: number;
  nearly: number;
  /** The same weekday: null where it is not known. */
  lastWeek: boolean | null;
}

export function sameTime(into: SameTime, peaks: Int16Array, k: number): SameTime {
  into.days = 0;
  into.needed = 0;
  into.nearly = 0;
  into.lastWeek = null;
  let weight = 1;
  for (let day = 0; day < DAYS; day += 1) {
    const peak = peaks[day] ?? -1;
    if (peak >= 0) {
      into.days += weight;
      if (peak >= k) into.needed += weight;
      else if (peak >= k * NEAR) into.nearly += weight * NEAR_WEIGHT;
      if (day === DAYS - 1) into.lastWeek = peak >= k;
    }
    weight *= DAILY_WEIGHT;
  }
  return into;
}

/** For levels that became twice as wide. */
export function halvePeaks(calendar: Calendar): void {
  for (let i = 0; i < ROOM; i += 1) {
    const peak = calendar.peaks[i] ?? UNKNOWN;
    if (peak !== UNKNOWN) calendar.peaks[i] = Math.ceil(peak / 2);
  }
}

/** For levels that became half as wide. */
export function doublePeaks(calendar: Calendar): void {
  for (let i = 0; i < ROOM; i += 1) {
    const peak = calendar.peaks[i] ?? UNKNOWN;
    if (peak !== UNKNOWN) calendar.peaks[i] = Math.min(UNKNOWN - 1, peak * 2);
  }
}

/** The highest level needed in the last eight days. */
export function highestPeak({ peaks }: Calendar): number {
  return peaks.reduce((most, peak) => (peak === UNKNOWN ? most : Math.max(most, peak)), 0);
}

function index(slot: number): number {
  return ((slot % ROOM) + ROOM) % ROOM;
}

export const CALENDAR_DAYS = DAYS;
