import type { Floor, Sleep } from '../core/observation.js';
import type { Schedule, Window } from '../core/policy.js';
import { inWords, type Millis } from '../core/time.js';
import { createStarts, type StartsOf } from './starts.js';

/** What a trigger's windows ask for at one moment. */
export interface WindowsNow {
  readonly floors: readonly Floor[];
  readonly sleep: Sleep | null;
  /** Until when this stays so; `Infinity` for ever. */
  readonly until: Millis;
}

/** A window that holds, or is being got ready for. */
interface Held {
  readonly start: Millis;
  readonly end: Millis;
}

/**
 * The windows of a schedule at a moment. A warm window's floor is lifted `lead` before its start, so that the replicas
 * serve when it begins: with a lead of 10 min and `0 8 * * *` from 7:50. A sleep window begins on its start. Lengths are real
 * time: ten hours over the night of the spring change end an hour later by the clock.
 *
 * @param lead from asking for a replica until it serves
 */
export function windowsAt(
  { timezone, warm, sleep }: Schedule,
  lead: Millis,
  now: Millis,
  startsOf: StartsOf = createStarts(),
): WindowsNow {
  let until = Infinity;
  const held = (window: Window, early: Millis): Held | null => {
    const { last, next } = startsOf(window.start, timezone, now + early);
    if (next !== null) until = Math.min(until, next - early);
    // Starts before the last one end before it does: all of them last as long.
    if (last === null || now >= last + window.length) return null;
    until = Math.min(until, now < last ? last : last + window.length);
    return { start: last, end: last + window.length };
  };
  const floors = warm.flatMap((window): Floor[] => {
    const found = held(window, lead);
    if (found === null) return [];
    const { replicas } = window;
    return [{ by: 'window', replicas, until: found.end, why: whyWarm(window, found, lead, now, timezone) }];
  });
  const asleep = sleep.flatMap((window): Sleep[] => {
    const found = held(window, 0);
    if (found === null) return [];
    return [
      { until: found.end, why: `sleep window ${window.start}: zero until ${clock(found.end, timezone)}` },
    ];
  });
  const [longest = null] = asleep.toSorted((a, b) => b.until - a.until);
  return { floors, sleep: longest, until };
}

/** A warm window with its whole span. */
export interface WarmSpan {
  readonly from: Millis;
  readonly until: Millis;
  readonly replicas: number;
  readonly why: string;
}

/** The warm windows that hold now, or start within `ahead`. */
export function warmSpans(
  { timezone, warm }: Schedule,
  ahead: Millis,
  now: Millis,
  startsOf: StartsOf = createStarts(),
): WarmSpan[] {
  return warm.flatMap(({ start, length, replicas }) => {
    const { last, next } = startsOf(start, timezone, now);
    const held = last !== null && now < last + length ? [last] : [];
    const coming = next !== null && next <= now + ahead ? [next] : [];
    return [...held, ...coming].map((from) => {
      const why = `warm window ${start}: at least ${replicas} from ${clock(from, timezone)}`;
      return { from, until: from + length, replicas, why };
    });
  });
}

/** When a warm window starts next, and how many replicas it wants; null when none does. */
export function nextStart(
  { timezone, warm }: Schedule,
  now: Millis,
  startsOf: StartsOf = createStarts(),
): { readonly at: Millis; readonly replicas: number } | null {
  const starts = warm.flatMap(({ start, replicas }) => {
    const { next } = startsOf(start, timezone, now);
    return next === null ? [] : [{ at: next, replicas }];
  });
  return starts.toSorted((a, b) => a.at - b.at || b.replicas - a.replicas)[0] ?? null;
}

function whyWarm(
  { start, replicas }: Schedule['warm'][number],
  held: Held,
  lead: Millis,
  now: Millis,
  timezone: string,
): string {
  const window = `warm window ${start}: at least ${replicas}`;
  if (now >= held.start) return `${window} until ${clock(held.end, timezone)}`;
  return `${window} from ${clock(held.start, timezone)}, asked for ${inWords(lead)} before, the lead time`;
}

/** The first Monday midnight of 2026 in a time zone: when a recording that has no date begins. */
export function mondayMidnight(timezone: string, startsOf: StartsOf = createStarts()): Millis {
  const from = Date.UTC(2026, 0, 3);
  return startsOf('0 0 * * 1', timezone, from).next ?? from;
}

/** One workload's windows, worked out anew only when one of them begins or ends. */
export type WindowClock = (lead: Millis, now: Millis) => WindowsNow;

/** @param startsOf shared by all workloads */
export function windowClock(schedule: Schedule, startsOf: StartsOf): WindowClock {
  let known: { readonly windows: WindowsNow; readonly lead: Millis; readonly from: Millis } | null = null;
  return (lead, now) => {
    if (known !== null && known.lead === lead && now >= known.from && now < known.windows.until)
      return known.windows;
    const windows = windowsAt(schedule, lead, now, startsOf);
    known = { windows, lead, from: now };
    return windows;
  };
}

const formats = new Map<string, Intl.DateTimeFormat>();

/** `Mon 08:00 Europe/Berlin` */
function clock(at: Millis, timezone: string): string {
  const format =
    formats.get(timezone) ??
    new Intl.DateTimeFormat('en-GB', {
      timeZone: timezone,
      weekday: 'short',
      hour: '2-digit',
      minute: '2-digit',
      hourCycle: 'h23',
    });
  formats.set(timezone, format);
  return `${format.format(at).replace(',', '')} ${timezone}`;
}
