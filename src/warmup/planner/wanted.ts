import { MINUTE, type Millis } from '../../core/time.js';
import type { WarmUp, WarmUpSource } from '../../ports/warm-up.js';
import { warmUpId } from '../identity.js';

/** From `at` on so many replicas are needed, until the next step. */
export interface NeedStep {
  readonly at: Millis;
  readonly replicas: number;
}

/** What a forecast says: steps in order of time, the last of which holds until `until`. */
export interface ForecastNeed {
  readonly steps: readonly NeedStep[];
  readonly until: Millis;
  readonly why: string;
}

/** A window of the trigger, or a load that somebody announced. */
export interface FixedNeed {
  readonly source: 'window' | 'announced';
  readonly from: Millis;
  readonly until: Millis;
  readonly replicas: number;
  readonly why: string;
}

export interface Needs {
  readonly workload: string;
  /** Null: nothing is known of the future, which is not the same as "nothing is needed"; forecast warm-ups then stand. */
  readonly forecast: ForecastNeed | null;
  readonly fixed: readonly FixedNeed[];
}

export interface Terms {
  /** A high quantile of the lead time. */
  readonly leadTime: Millis;
  readonly gpusPerReplica: number;
  readonly nodePool: string | null;
}

/** Two warm-ups whose `readyBy` fall into one slot are one. */
export const SLOT: Millis = 5 * MINUTE;

interface Level {
  readonly from: Millis;
  readonly until: Millis;
  readonly replicas: number;
  readonly source: WarmUpSource;
  readonly why: string;
}

/**
 * The warm-ups that meet a need, one for each slot at most. A forecast of 3 from 8:00, 6 from 8:30, 4 from 9:00 and 0 from
 * 12:00 becomes 3 until 12:00, 6 until 9:00 and 4 from 9:00 until 12:00: at every moment the highest floor is the need.
 * A need of zero or less, or what is no number, asks for nothing.
 */
export function wanted({ workload, forecast, fixed }: Needs, terms: Terms, now: Millis): WarmUp[] {
  const levels = [...(forecast === null ? [] : levelsOf(forecast)), ...fixed.map(levelOf)];
  const useful = levels.filter(({ replicas, from, until }) => replicas > 0 && until > Math.max(from, now));
  const bySlot = new Map<Millis, Level>();
  for (const level of useful.toSorted((x, y) => x.from - y.from)) place(bySlot, level);
  return [...bySlot]
    .map(([slot, level]) => warmUpFor(workload, slot, level, terms, now))
    .toSorted((a, b) => a.readyBy - b.readyBy);
}

/** In its slot, together with one there if either holds up both; else in the next that is free. */
function place(bySlot: Map<Millis, Level>, level: Level): void {
  let slot = slotOf(level.from);
  for (let other = bySlot.get(slot); other !== undefined; other = bySlot.get(slot)) {
    if (holdsUp(level, other) || holdsUp(other, level)) {
      bySlot.set(slot, merged(other, level));
      return;
    }
    slot += SLOT;
  }
  bySlot.set(slot, level);
}

function holdsUp(a: Level, b: Level): boolean {
  return a.replicas >= b.replicas && a.until >= b.until;
}

function slotOf(at: Millis): Millis {
  return Math.floor(at / SLOT) * SLOT;
}

/** At each step, the level that no earlier one already holds up. */
function levelsOf({ steps, until, why }: ForecastNeed): Level[] {
  const sound = steps.filter(({ at, replicas }) => Number.isFinite(at) && Number.isFinite(replicas));
  const inOrder = sound.toSorted((a, b) => a.at - b.at);
  const levels: Level[] = [];
  for (const [index, { at, replicas: need }] of inOrder.entries()) {
    const replicas = Math.ceil(need);
    if (levels.some((level) => level.replicas >= replicas && level.until > at)) continue;
    const end = inOrder.slice(index + 1).find((later) => Math.ceil(later.replicas) < replicas)?.at ?? until;
    levels.push({ from: at, until: Math.min(end, until), replicas, source: 'forecast', why });
  }
  return levels;
}

function levelOf({ source, from, until, replicas, why }: FixedNeed): Level {
  const whole = Number.isFinite(replicas) ? Math.ceil(replicas) : 0;
  return { from, until, replicas: whole, source, why };
}

/** People know better than forecasts what is theirs to say. */
const RANK: Readonly<Record<WarmUpSource, number>> = {
  wake: 3,
  announced: 2,
  window: 1,
  forecast: 0,
};

function merged(a: Level, b: Level): Level {
  const { source, why } = RANK[b.source] > RANK[a.source] ? b : a;
  return {
    source,
    why,
    from: Math.min(a.from, b.from),
    until: Math.max(a.until, b.until),
    replicas: Math.max(a.replicas, b.replicas),
  };
}

function warmUpFor(workload: string, slot: Millis, level: Level, terms: Terms, now: Millis): WarmUp {
  const { leadTime, gpusPerReplica, nodePool } = terms;
  const readyBy = Math.max(level.from, now);
  const startAt = Math.max(now, readyBy - leadTime);
  return {
    id: warmUpId(workload, slot),
    workload,
    slot,
    replicas: level.replicas,
    startAt,
    readyBy,
    holdUntil: level.until,
    leadTime,
    why: level.why,
    source: level.source,
    expectedCost: (level.replicas * gpusPerReplica * (level.until - startAt)) / 1000,
    gpusPerReplica,
    nodePool,
  };
}
