/** Milliseconds: a moment since the Unix epoch, or a length of time. Core never asks for the time: it is an argument. */
export type Millis = number;

export const SECOND: Millis = 1000;
export const MINUTE: Millis = 60 * SECOND;
export const HOUR: Millis = 60 * MINUTE;
export const DAY: Millis = 24 * HOUR;

/** A length of time in words, for reasons: `850 ms`, `12 s`, `5 min`, `1 h 30 min`. Negative counts as 0. */
export function inWords(length: Millis): string {
  const ms = Math.max(0, Math.round(length));
  if (ms > 0 && ms < SECOND) return `${ms} ms`;
  const seconds = Math.round(ms / SECOND);
  if (seconds < 120) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 120) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`;
}
