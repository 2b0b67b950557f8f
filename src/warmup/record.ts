import { z } from 'zod';
import type { Millis } from '../core/time.js';
import type { Floor } from '../ports/floors.js';
import type { DeadWarmUp, WarmUp, WarmUpStatus } from '../ports/warm-up.js';
import { warmUpId } from './identity.js';
import type { Limits } from './limits.js';

/** A warm-up as it is stored. The job in the queue is only its alarm clock: what is to be done stands here. */
export interface WarmUpRecord extends WarmUpStatus {
  /** The run that may write to it: a process that was thought dead and wakes up finds another's here. Null: none runs. */
  readonly run: string | null;
  /** Runs that ended without a word since the last that did not. */
  readonly interrupted: number;
  /** What the ready step waited for; null before it is done. */
  readonly readyFor: number | null;
  /** When its alarm clock should ring; null while it runs. */
  readonly wakeAt: Millis | null;
}

const millis = z.number();
const step = z.object({
  step: z.enum(['floor', 'nodes', 'ready', 'model']),
  outcome: z.enum(['done', 'nothing', 'failed']),
  at: millis,
  took: millis,
  note: z.string(),
  split: z.object({
    node: millis.exactOptional(),
    image: millis.exactOptional(),
    model: millis.exactOptional(),
  }),
});
const source = z.enum(['forecast', 'window', 'announced', 'wake']);
const warmUp = z.object({
  id: z.string(),
  workload: z.string(),
  slot: millis,
  replicas: z.number(),
  startAt: millis,
  readyBy: millis,
  holdUntil: millis,
  leadTime: millis,
  why: z.string(),
  source,
  expectedCost: z.number(),
  gpusPerReplica: z.number(),
  nodePool: z.string().nullable(),
  order: z.string().exactOptional(),
});
const record = z.object({
  warmUp,
  phase: z.enum(['planned', 'begun', 'holding']),
  plannedAt: millis,
  begunAt: millis.nullable(),
  readyAt: millis.nullable(),
  late: z.boolean(),
  failures: z.number(),
  lastFailure: z.string().nullable(),
  steps: z.array(step),
  run: z.string().nullable(),
  interrupted: z.number(),
  readyFor: z.number().nullable(),
  wakeAt: millis.nullable(),
});
const dead = z.object({ status: record, at: millis, reason: z.string() });
const floor = z.object({
  workload: z.string(),
  replicas: z.number(),
  until: millis,
  why: z.string(),
  // The weakest of all, for a floor that does not say whose it is.
  source: source.default('forecast'),
});

export type StoredFloor = Floor & { readonly workload: string };
export interface StoredDead extends DeadWarmUp {
  readonly status: WarmUpRecord;
}

/** Null for what this version did not write. */
export const readRecord = (text: string): WarmUpRecord | null => parsed(record, text);
export const readDead = (text: string): StoredDead | null => parsed(dead, text);
export const readFloor = (text: string): StoredFloor | null => parsed(floor, text);

function parsed<T>(schema: z.ZodType<T>, text: string): T | null {
  try {
    const result = schema.safeParse(JSON.parse(text));
    return result.success ? result.data : null;
  } catch {
    return null; // no JSON at all
  }
}

export function newRecord(warmUp: WarmUp, now: Millis): WarmUpRecord {
  return {
    warmUp,
    phase: 'planned',
    plannedAt: now,
    begunAt: null,
    readyAt: null,
    late: false,
    failures: 0,
    lastFailure: null,
    steps: [],
    run: null,
    interrupted: 0,
    readyFor: null,
    wakeAt: warmUp.startAt,
  };
}

/** What of it goes out of warmup/. */
export function statusOf({
  run: _run,
  interrupted: _interrupted,
  readyFor: _for,
  wakeAt: _wakeAt,
  ...status
}: WarmUpRecord): WarmUpStatus {
  return status;
}

export function floorOf({ workload, replicas, holdUntil, why, source }: WarmUp): StoredFloor {
  return { workload, replicas, until: holdUntil, why, source };
}

/**
 * When a run gives it up if it is not ready: after so many lead times, counted from `readyBy` or, if the run began late,
 * from when it should be ready by then; never after its end, when nobody wants it any more. Time in which no process
 * worked on it is not held against it.
 *
 * @param runSince when the run began
 */
export function giveUpAt(warmUp: WarmUp, runSince: Millis, limits: Limits): Millis {
  const patience = Math.max(limits.leastPatience, limits.patienceInLeadTimes * warmUp.leadTime);
  return Math.min(warmUp.holdUntil, Math.max(warmUp.readyBy, runSince + warmUp.leadTime) + patience);
}

const MOST_REPLICAS = 10_000;
const LONGEST_AHEAD: Millis = 32 * 86_400_000;
const LONGEST_TEXT = 500;
const LONGEST_ORDER = 2000;

/** What is wrong with a warm-up that somebody wants to plan; null when nothing is. */
export function faultOf(warmUp: WarmUp, now: Millis): string | null {
  const { replicas, startAt, readyBy, holdUntil, workload, why } = warmUp;
  const moments = [warmUp.slot, startAt, readyBy, holdUntil, warmUp.leadTime, warmUp.expectedCost];
  if (!moments.every(Number.isFinite)) return 'expected moments and cost to be finite numbers';
  if (!Number.isInteger(replicas) || replicas < 1 || replicas > MOST_REPLICAS)
    return `replicas: got ${replicas}, expected 1 to ${MOST_REPLICAS}`;
  if ((warmUp.order?.length ?? 0) > LONGEST_ORDER)
    return `order: expected at most ${LONGEST_ORDER} characters`;
  if (workload === '' || workload.length > LONGEST_TEXT || why.length > LONGEST_TEXT)
    return `workload and why: expected at most ${LONGEST_TEXT} characters, and a workload`;
  if (warmUp.id !== warmUpId(workload, warmUp.slot)) return 'id: expected the one made of workload and slot';
  if (!(startAt <= readyBy && readyBy <= holdUntil)) return 'expected startAt ≤ readyBy ≤ holdUntil';
  if (warmUp.leadTime < 0 || !(warmUp.gpusPerReplica > 0)) return 'expected a lead time and GPUs per replica';
  if (holdUntil <= now) return 'holdUntil: expected a moment to come';
  if (holdUntil > now + LONGEST_AHEAD) return 'holdUntil: expected a moment within the next 32 days';
  return null;
}
