import { MINUTE, type Millis } from '../core/time.js';

/** An end that moves by less is not worth a request. */
const SAME_END: Millis = MINUTE;

/**
 * Whether the end that an object carries will do for the one that is wanted. Close to it a later one is written down however
 * little later it is: whoever does not know the warm-up goes by what the object carries.
 */
export function isSameEnd(carried: Millis, wanted: Millis, now: Millis): boolean {
  if (Math.abs(wanted - carried) >= SAME_END) return false;
  return wanted <= carried || carried - now >= SAME_END;
}
