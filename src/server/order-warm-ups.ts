import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { Floor } from '../core/observation.js';
import { MINUTE, type Millis } from '../core/time.js';
import type { Announcement, Preparation } from '../ports/orders.js';
import type { WarmUp } from '../ports/warm-up.js';
import { warmUpId } from '../warmup/identity.js';

/** Orders as warm-ups: what of them every replica of the scaler has to know. They are their ScaledObject's, by name. */

/** More than a queue of warm-ups takes. */
const MOST_QUEUED = 10_000;
const SLOT: Millis = 5 * MINUTE;

export interface WakeTerms {
  readonly leadTime: Millis;
  /** Replicas that there can be. */
  readonly most: number;
}

/** One for each ScaledObject: the next takes its place. */
export function wakeWarmUp(
  namespace: string,
  name: string,
  { replicas, until, why }: Floor,
  { leadTime, most }: WakeTerms,
  now: Millis,
): WarmUp {
  const times = { startAt: now, readyBy: Math.min(now + leadTime, until), holdUntil: until, leadTime };
  return ordered(`${namespace}/${name}`, 0, Math.min(replicas, most), times, { why, source: 'wake' });
}

/** One for each key, so that the same announcement to two scaler replicas is one warm-up. */
export function announcedWarmUp(
  namespace: string,
  name: string,
  announcement: Announcement,
  preparation: Preparation,
  leadTime: Millis,
): WarmUp {
  const { startsAt, idempotencyKey } = announcement;
  const { replicas, from, until, why } = preparation;
  const digest = createHash('sha256').update(idempotencyKey).digest().readUInt32BE();
  const slot = Math.floor(startsAt / SLOT) * SLOT + (digest % SLOT);
  const times = { startAt: from, readyBy: Math.max(startsAt, from), holdUntil: until, leadTime };
  const order = JSON.stringify({ announcement, preparation });
  const warmUp = ordered(`${namespace}/${name}`, slot, replicas, times, { why, source: 'announced' });
  return { ...warmUp, order };
}

function ordered(
  workload: string,
  slot: Millis,
  wanted: number,
  times: Pick<WarmUp, 'startAt' | 'readyBy' | 'holdUntil' | 'leadTime'>,
  words: Pick<WarmUp, 'why' | 'source'>,
): WarmUp {
  const replicas = Math.min(wanted, MOST_QUEUED);
  return {
    id: warmUpId(workload, slot),
    workload,
    slot,
    replicas,
    ...times,
    ...words,
    expectedCost: (replicas * (times.holdUntil - times.startAt)) / 1000,
    gpusPerReplica: 1,
    nodePool: null,
  };
}

const orderSchema = z.object({
  announcement: z.object({
    jobs: z.number(),
    startsAt: z.number(),
    deadline: z.number(),
    idempotencyKey: z.string(),
  }),
  preparation: z.object({
    replicas: z.number(),
    from: z.number(),
    until: z.number(),
    inTime: z.boolean(),
    why: z.string(),
  }),
});

/** The announcement that a warm-up was made of; null where it was made of none. */
export function orderIn({ order }: WarmUp): { announcement: Announcement; preparation: Preparation } | null {
  if (order === undefined) return null;
  try {
    return orderSchema.safeParse(JSON.parse(order)).data ?? null;
  } catch {
    return null; // no JSON at all
  }
}
