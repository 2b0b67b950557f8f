import type { State } from './state.js';
import type { Millis } from './time.js';

type Recommendations = State['recommendations'];

/**
 * The largest recommendation of the window, as the HPA's scale-down stabilisation. Only recommendations that can still
 * be the largest are kept: newest last, strictly falling, so that a day's window stays small.
 *
 * @param window 0 keeps none and returns the newest
 */
export function stabilised(
  past: Recommendations,
  replicas: number,
  window: Millis,
  now: Millis,
): { readonly replicas: number; readonly recommendations: Recommendations } {
  if (window === 0) return { replicas, recommendations: [] };
  const kept = past.filter((each) => now - each.at < window && each.replicas > replicas);
  const newest = { at: now, replicas };
  const [largest = newest] = kept;
  return { replicas: largest.replicas, recommendations: [...kept, newest] };
}
