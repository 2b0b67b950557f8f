import { DAY, type Millis } from '../../core/time.js';

/**
 * Where a pod started. `cold`: on a node that came after it. `warm`: on one that was there and had room. `contended`: on one
 * that was there but had no room for a while, so that it waited for other pods to go, which says nothing about either.
 */
export type Ground = 'warm' | 'cold' | 'contended';

/** One pod's way from creation to Ready, in milliseconds; the parts add up to it. */
export interface Start {
  /** When it became Ready. */
  readonly at: Millis;
  readonly schedule: Millis;
  readonly image: Millis;
  readonly start: Millis;
  readonly model: Millis;
}

/** The moments of a start as they were seen. */
export interface Moments {
  readonly createdAt: Millis;
  readonly scheduledAt: Millis;
  /** Null: nobody saw the pull. */
  readonly pulledAt: Millis | null;
  readonly startedAt: Millis;
  readonly readyAt: Millis;
}

/** A pod that finds room is bound within a second or two, a preemption included. */
const ROOM_WITHIN: Millis = 30_000;

/** A cold node was created after its pod; the scheduler's and the API server's clocks agree to a second or so. */
const SKEW: Millis = 2000;

/** @param nodeCreatedAt null where nodes cannot be read: then a long wait for a node is taken to be for a new one */
export function groundOf(createdAt: Millis, scheduledAt: Millis, nodeCreatedAt: Millis | null): Ground {
  const waited = scheduledAt - createdAt > ROOM_WITHIN;
  if (nodeCreatedAt === null) return waited ? 'cold' : 'warm';
  if (nodeCreatedAt + SKEW > createdAt) return 'cold';
  return waited ? 'contended' : 'warm';
}

/** A pod that waited for longer waited for somebody to change something: no lead time that one could plan with. */
export const LONGEST_START: Millis = DAY;

/** Moments come from several clocks: one that lies before the one before it counts as at the same time. At most a day in all. */
export function startOf({ createdAt, scheduledAt, pulledAt, startedAt, readyAt }: Moments): Start {
  const end = Math.max(createdAt, scheduledAt, readyAt);
  const ready = Math.min(end, createdAt + LONGEST_START);
  const scheduled = clamp(scheduledAt, createdAt, ready);
  const started = clamp(startedAt, scheduled, ready);
  const pulled = clamp(pulledAt ?? started, scheduled, started);
  return {
    at: end,
    schedule: scheduled - createdAt,
    image: pulled - scheduled,
    start: started - pulled,
    model: ready - started,
  };
}

export function lengthOf({ schedule, image, start, model }: Start): Millis {
  return schedule + image + start + model;
}

function clamp(value: Millis, least: Millis, most: Millis): Millis {
  return Math.min(most, Math.max(least, value));
}
