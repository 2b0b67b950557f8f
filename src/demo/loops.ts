import { setTimeout } from 'node:timers/promises';
import type { StoryClock } from './story-clock.js';

/** Resolves at a second of the story, or when the signal is aborted. */
export async function waitUntil(second: number, clock: StoryClock, signal: AbortSignal): Promise<void> {
  // Timers may fire a millisecond early, which is a tenth of a second and more of the story.
  while (!signal.aborted && clock.seconds() < second) {
    await setTimeout(Math.ceil(clock.until(second)), undefined, { signal }).catch(() => undefined);
  }
}

/**
 * Rounds at a fixed rate, as Go's timers run them: one that takes longer than the interval is followed by the next at
 * once, and two never overlap.
 *
 * @param first second of the story of the first round
 * @param interval seconds of the story, > 0
 */
export async function repeat(
  first: number,
  interval: number,
  clock: StoryClock,
  signal: AbortSignal,
  round: () => Promise<void>,
): Promise<void> {
  for (let due = first; !signal.aborted; due = Math.max(due + interval, clock.seconds())) {
    await waitUntil(due, clock, signal);
    if (!signal.aborted) await round();
  }
}
