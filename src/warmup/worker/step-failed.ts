import type { Millis } from '../../core/time.js';

/** A step could not be done. It is written down already; what remains is to try again after a while. */
export class StepFailed extends Error {
  override readonly name = 'StepFailed';
  /** How long to wait before the next try. */
  readonly again: Millis;

  constructor(why: string, again: Millis) {
    super(why);
    this.again = again;
  }
}
