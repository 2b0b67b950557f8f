import { MINUTE, type Millis } from '../core/time.js';
import type { Workload } from './workload.js';

/** KEDA may miss a poll. */
const POLLS = 2;

/**
 * Whether KEDA asks this scaler replica about a ScaledObject: of several replicas its connection has one, and that one alone
 * knows what is granted.
 *
 * @param triggers of the ScaledObject
 * @param pollingInterval of the ScaledObject; null: not known
 */
export function isAskedHere(
  triggers: readonly Pick<Workload, 'askedAt' | 'listeners'>[],
  pollingInterval: Millis | null,
  now: Millis,
): boolean {
  const within = Math.max(MINUTE, POLLS * (pollingInterval ?? 0));
  return triggers.some(({ askedAt, listeners }) => listeners.size > 0 || Math.abs(now - askedAt) <= within);
}
