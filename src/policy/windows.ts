import { Cron } from 'croner';
import { MOST_REPLICAS, type Schedule, type Window } from '../core/policy.js';
import { DAY, type Millis } from '../core/time.js';
import { parseDuration } from './duration.js';

/** Windows of a trigger's metadata: `0 8 * * 1-5/10h=2`, several with `;`. Text in, plain data out. */

/** As many of each kind: each costs an evaluation of its cron pattern whenever one begins or ends. */
export const MOST_WINDOWS = 8;
const LONGEST: Millis = 7 * DAY;

export const WARM_WINDOWS = `windows CRON/LENGTH=REPLICAS such as 0 8 * * 1-5/10h=2, at most ${MOST_WINDOWS} with ; between them, each at most 168h, of a time that comes`;
export const SLEEP_WINDOWS = `windows CRON/LENGTH such as 0 22 * * */9h, at most ${MOST_WINDOWS} with ; between them, each at most 168h, of a time that comes`;

/** Null when it is none. */
export function parseWarmWindows(text: string): Schedule['warm'] | null {
  return each(text, (part) => {
    const match = /^(.+)=\s*(\d{1,6})$/.exec(part);
    const window = match === null ? null : windowOf(match[1] ?? '');
    const replicas = Number(match?.[2]);
    return window === null || replicas < 1 || replicas > MOST_REPLICAS ? null : { ...window, replicas };
  });
}

/** Null when it is none. */
export function parseSleepWindows(text: string): Schedule['sleep'] | null {
  return each(text, windowOf);
}

function each<T>(text: string, read: (part: string) => T | null): T[] | null {
  const parts = text.split(';').map((part) => part.trim());
  // `a; b;` is two.
  if (parts.at(-1) === '') parts.pop();
  if (parts.length === 0 || parts.length > MOST_WINDOWS) return null;
  const windows: T[] = [];
  for (const part of parts) {
    const window = read(part);
    // Nothing is gained by trying the others, and a pattern that never comes takes a while to be found out.
    if (window === null) return null;
    windows.push(window);
  }
  return windows;
}

/** The last slash parts them: the others are steps. */
function windowOf(text: string): Window | null {
  const slash = text.lastIndexOf('/');
  const start = text.slice(0, slash).trim().replaceAll(/\s+/g, ' ');
  const length = parseDuration(text.slice(slash + 1).trim());
  if (slash < 0 || length === null || length < 1 || length > LONGEST) return null;
  return comes(start) ? { start, length } : null;
}

/** A year with every day that there can be begins and ends here, so that the pattern of a 29th of February comes too. */
const LEAP_YEAR = new Date('2028-01-01T00:00:00Z');

function comes(pattern: string): boolean {
  // Five fields alone; `?` would be the moment of parsing, and names such as @daily are not what people paste from KEDA.
  if (!/^[\dA-Za-z*,/#-]+(?: [\dA-Za-z*,/#-]+){4}$/.test(pattern)) return false;
  try {
    return cronOf(pattern, 'UTC').nextRun(LEAP_YEAR) !== null;
  } catch {
    return false;
  }
}

/**
 * A start inside the hour that the spring change leaves out comes right after it, and one in the hour that comes twice
 * in autumn comes once, for lists and ranges of hours too.
 */
export function cronOf(pattern: string, timezone: string): Cron {
  return new Cron(pattern, { paused: true, mode: '5-part', timezone, fixedTimeRule: 'no-wildcard' });
}

export const TIMEZONE = 'an IANA time zone such as Europe/Berlin';

export function isTimezone(name: string): boolean {
  // Offsets such as +02:00 are taken by newer engines alone, and know no summer time.
  if (!/^[A-Za-z][\w+-]{0,30}(?:\/[\w+-]{1,30}){0,2}$/.test(name)) return false;
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}
