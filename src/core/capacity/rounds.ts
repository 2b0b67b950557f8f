import type { Decision } from '../decision.js';
import type { Grant } from '../observation.js';
import type { Millis } from '../time.js';
import type { Grant as Share } from './arbitrate.js';

/** Nodes and pods change slowly; what bursts beyond its claim does not wait for it. */
export const ROUND_EVERY: Millis = 15_000;

/** What a ScaledObject asks for when it is looked at. */
export interface Asked {
  readonly id: string;
  /** Replicas. */
  readonly wanted: number;
}

/** A round in which capacity was shared out. */
export interface Round {
  readonly at: Millis;
  /** By `id`: the most that each wanted then, or claims still. */
  readonly expected: ReadonlyMap<string, number>;
}

/** Whether capacity is to be shared out anew: every 15 s, and at once when somebody wants more than was reckoned with. */
export function isRoundDue(last: Round | null, asked: readonly Asked[], now: Millis): boolean {
  // A clock that was set back must not put rounds off.
  if (last === null || Math.abs(now - last.at) >= ROUND_EVERY) return true;
  return asked.some(({ id, wanted }) => wanted > (last.expected.get(id) ?? 0));
}

export function roundOf(shares: readonly Share[], now: Millis): Round {
  return { at: now, expected: new Map(shares.map(({ id, claim, wanted }) => [id, Math.max(claim, wanted)])) };
}

/**
 * Replicas that a workload wants for sharing capacity out: what it would have without any limit. What does not move keeps
 * what it has: while it is blind, or `isStill` because it is paused or only decides for show.
 *
 * @param current spec.replicas, where the cluster says
 */
export function wantedBy(decision: Decision | null, current: number | null, isStill: boolean): number {
  if (decision === null) return current ?? 0;
  if (isStill || decision.verdict === 'blind') return current ?? decision.replicas.current;
  return decision.wanted ?? decision.desired;
}

/** What a decision is told of its share; null: all that it wants. */
export function grantIn({ granted, why }: Pick<Share, 'granted' | 'why'>): Grant | null {
  return why === null ? null : { replicas: granted, why };
}
