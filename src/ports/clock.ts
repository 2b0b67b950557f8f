import type { Millis } from '../core/time.js';

/** Where time comes from outside core. Tests and the replay bring their own. */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): Millis;
}
