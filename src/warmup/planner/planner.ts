import { MINUTE, type Millis } from '../../core/time.js';
import type { DeadWarmUp, WarmUp, WarmUpStatus } from '../../ports/warm-up.js';
import { SLOT, wanted, type Needs, type Terms } from './wanted.js';

export type PlannerAction =
  /** A new warm-up. */
  | { readonly do: 'plan'; readonly warmUp: WarmUp }
  /** The same id as one that is there: `plan` of the queue puts it in its place. */
  | { readonly do: 'replace'; readonly warmUp: WarmUp; readonly why: string }
  | { readonly do: 'cancel'; readonly id: string; readonly why: string };

/** Since when a forecast has asked for less than is planned, by warm-up. Plain data. */
export interface PlannerState {
  readonly doubtedSince: Readonly<Record<string, Millis>>;
}

export const NO_DOUBTS: PlannerState = { doubtedSince: {} };

export interface PlannerInput {
  readonly needs: Needs;
  readonly terms: Terms;
  /** Of this workload, from the queue. */
  readonly existing: readonly WarmUpStatus[];
  /** Of this workload: until somebody retries or discards one, nothing is planned for the time it was to hold. */
  readonly dead: readonly DeadWarmUp[];
  readonly now: Millis;
}

export interface Plan {
  readonly actions: readonly PlannerAction[];
  readonly state: PlannerState;
}

/** Replicas that a forecast may be off by: a tenth, and at least one. */
const BAND = 0.1;
/** By so much may the lead time differ from the one it was planned with. */
const LEAD_BAND: Millis = 30_000;
const LEAD_SHARE = 0.2;
/** What is planned stands for so long against a forecast that asks for less; what has begun, for longer: it was paid for. */
const DOUBT_BEFORE: Millis = 2 * MINUTE;
const DOUBT_AFTER: Millis = 5 * MINUTE;
/** The next look at the forecast is no later than this: what begins before it is decided now. */
const NEXT_LOOK: Millis = 30_000;
const MOST_AHEAD = 48;

/**
 * From what is needed and what is planned, what to do. Forecasts wobble, so it takes sides: for more replicas or an
 * earlier time it acts at once, where the difference leaves the band (10 %, at least one replica; half a slot); for
 * less, or later, only once the forecast has said so for two minutes, five where the warm-up has begun. With 4 planned, a
 * forecast of 5 or 3 changes nothing, 6 replaces it now, and 2 in two minutes. What begins before the next look and is
 * not wanted at all is cancelled at once. Windows and announcements do not wobble, and are followed to the letter.
 */
export function plan(before: PlannerState, { needs, terms, existing, dead, now }: PlannerInput): Plan {
  const open = wanted(needs, terms, now)
    .filter((warmUp) => !dead.some(({ status }) => covers(status.warmUp, warmUp)))
    .slice(0, MOST_AHEAD);
  const pairs = paired(open, existing);
  const held = new Set(pairs.map(({ match }) => match));
  const actions: PlannerAction[] = [];
  const doubts: Record<string, Millis> = {};
  for (const { warmUp, match } of pairs) {
    if (match === null) {
      actions.push({ do: 'plan', warmUp });
      continue;
    }
    const { id } = match.warmUp;
    const { action, doubtedSince } = compared(match, warmUp, before.doubtedSince[id] ?? null, now);
    if (action !== null) actions.push(action);
    if (doubtedSince !== null) doubts[id] = doubtedSince;
  }
  for (const status of existing.filter((each) => !held.has(each))) {
    const { id, source } = status.warmUp;
    if (source === 'forecast' && needs.forecast === null) continue; // nobody knows better
    const since = Math.min(before.doubtedSince[id] ?? now, now);
    if (isUnwanted(status, since, now)) actions.push({ do: 'cancel', id, why: 'no longer needed' });
    else doubts[id] = since;
  }
  return { actions, state: { doubtedSince: doubts } };
}

function covers(dead: WarmUp, warmUp: WarmUp): boolean {
  if (dead.id === warmUp.id) return true;
  return warmUp.source === 'forecast' && warmUp.readyBy < dead.holdUntil && warmUp.holdUntil > dead.startAt;
}

interface Pair {
  readonly warmUp: WarmUp;
  /** What is there for it already. */
  readonly match: WarmUpStatus | null;
}

/** First by slot; then forecasts that moved into a neighbouring one, each to the nearest that is left. */
function paired(open: readonly WarmUp[], existing: readonly WarmUpStatus[]): Pair[] {
  const left = new Map(existing.map((status) => [status.warmUp.id, status]));
  const take = (status: WarmUpStatus | null | undefined) => {
    if (status !== null && status !== undefined) left.delete(status.warmUp.id);
    return status ?? null;
  };
  const bySlot = open.map((warmUp) => ({ warmUp, match: take(left.get(warmUp.id)) }));
  return bySlot.map(({ warmUp, match }) => ({
    warmUp,
    match: match ?? take(nearest(warmUp, [...left.values()])),
  }));
}

function nearest(warmUp: WarmUp, among: readonly WarmUpStatus[]): WarmUpStatus | null {
  if (warmUp.source !== 'forecast') return null;
  const [first] = among
    .filter((each) => isNear(each.warmUp, warmUp))
    .toSorted((a, b) => distance(a, warmUp) - distance(b, warmUp));
  return first ?? null;
}

function isNear(held: WarmUp, next: WarmUp): boolean {
  if (held.source !== 'forecast') return false;
  // What is needed now already is what is held for it, however long ago that began.
  const isNow =
    next.startAt === next.readyBy && held.readyBy <= next.readyBy && next.startAt <= held.holdUntil;
  return isNow || Math.abs(held.readyBy - next.readyBy) <= SLOT;
}

function distance({ warmUp }: WarmUpStatus, other: WarmUp): number {
  return Math.abs(warmUp.readyBy - other.readyBy);
}

function compared(
  { warmUp: held, phase }: WarmUpStatus,
  next: WarmUp,
  doubtedSince: Millis | null,
  now: Millis,
): { readonly action: PlannerAction | null; readonly doubtedSince: Millis | null } {
  const begun = phase !== 'planned';
  const changed = begun
    ? {
        ...held,
        replicas: next.replicas,
        holdUntil: next.holdUntil,
        why: next.why,
        source: next.source,
        expectedCost: next.expectedCost,
      }
    : { ...next, id: held.id, slot: held.slot };
  const replace = (why: string) => ({
    action: { do: 'replace' as const, warmUp: changed, why },
    doubtedSince: null,
  });
  if (!begun && Math.abs(next.leadTime - held.leadTime) > Math.max(LEAD_BAND, held.leadTime * LEAD_SHARE))
    return replace('the lead time was learned');
  if (next.source !== 'forecast')
    return sameNeed(held, changed) ? KEEP : replace(`the ${next.source} need changed`);
  const { more, less } = difference(held, next, begun);
  if (more !== null) return replace(more);
  if (less === null) return KEEP;
  const since = Math.min(doubtedSince ?? now, now);
  return now - since >= (begun ? DOUBT_AFTER : DOUBT_BEFORE)
    ? replace(less)
    : { action: null, doubtedSince: since };
}

const KEEP = { action: null, doubtedSince: null } as const;

/** In what the forecast asks for more, or less, than what is planned; null within the band. */
function difference(
  held: WarmUp,
  next: WarmUp,
  begun: boolean,
): { more: string | null; less: string | null } {
  const band = Math.max(1, held.replicas * BAND);
  const replicas = next.replicas - held.replicas;
  const earlier = begun ? 0 : held.readyBy - next.readyBy;
  const longer = next.holdUntil - held.holdUntil;
  const half = SLOT / 2;
  if (replicas > band) return { more: `${next.replicas} replicas instead of ${held.replicas}`, less: null };
  if (earlier > half) return { more: 'earlier', less: null };
  if (longer > half) return { more: 'longer', less: null };
  if (replicas < -band) return { more: null, less: `${next.replicas} replicas instead of ${held.replicas}` };
  if (earlier < -half) return { more: null, less: 'later' };
  return { more: null, less: longer < -half ? 'shorter' : null };
}

function isUnwanted({ warmUp, phase }: WarmUpStatus, since: Millis, now: Millis): boolean {
  if (warmUp.source !== 'forecast') return true;
  const doubted = now - since;
  if (phase !== 'planned') return doubted >= DOUBT_AFTER;
  return doubted >= DOUBT_BEFORE || warmUp.startAt <= now + NEXT_LOOK;
}

/** In what was asked for, however late it was seen. */
function sameNeed(a: WarmUp, b: WarmUp): boolean {
  const ahead = a.readyBy > b.startAt || b.readyBy > b.startAt;
  return (
    a.replicas === b.replicas &&
    a.holdUntil === b.holdUntil &&
    a.source === b.source &&
    (!ahead || Math.abs(a.readyBy - b.readyBy) < 1000)
  );
}
