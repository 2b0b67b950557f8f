import { SECOND, type Millis } from '../../core/time.js';

/** The first pause after a failure, and the longest. client-go's reflector has 800 ms and 30 s. */
export const FIRST_PAUSE: Millis = 0.8 * SECOND;
export const LONGEST_PAUSE: Millis = 30 * SECOND;

/**
 * Doubles with each failure in a row, between half and all of it by chance, so that the watches of all scaler replicas do
 * not come back at once; never less than the server asked for, up to a minute.
 *
 * @param chance 0 to 1
 */
export function pauseAfter(
  failures: number,
  asked: Millis | null,
  chance: number,
  first = FIRST_PAUSE,
): Millis {
  const most = Math.min(LONGEST_PAUSE, first * 2 ** Math.min(30, Math.max(0, failures - 1)));
  const pause = most * (0.5 + chance / 2);
  return Math.max(pause, Math.min(asked ?? 0, 60 * SECOND));
}
