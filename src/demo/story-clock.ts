import type { Clock } from '../ports/clock.js';

/**
 * Time of the story: it runs `speed` times as fast as real time. The server is given it as its clock, so that rates are
 * per second of the story, and its windows and ages pass at the story's speed like all else.
 */
export interface StoryClock extends Clock {
  readonly speed: number;
  /** Seconds of the story since it began. */
  seconds(): number;
  /** Real milliseconds until a second of the story; 0 when it has passed. */
  until(second: number): number;
}

export function startStoryClock(speed: number): StoryClock {
  const epoch = Date.now();
  const began = performance.now();
  const seconds = () => ((performance.now() - began) / 1000) * speed;
  return {
    speed,
    seconds,
    now: () => Math.round(epoch + seconds() * 1000),
    until: (second) => Math.max(0, ((second - seconds()) * 1000) / speed),
  };
}
