import type { Backlog } from './backlog.js';
import type { Millis } from './time.js';

/** What one workload's past leaves for its next decision. Plain data, small, and restorable from JSON. */
export interface State {
  /** When each pod last gave a fresh value; pods silent for longer than `holdFor` are forgotten. */
  readonly pods: Readonly<Record<string, Millis>>;
  /** Replicas asked for by the last decision that did not merely presume zero; null before the first. */
  readonly asked: number | null;
  /** Since when zero replicas are presumed, not proven; null when they are not. */
  readonly presumedSince: Millis | null;
  /** How many of the replicas asked for have reported at once, at least 1 where a signal without pods has. From then on their silence is blindness and not a start. */
  readonly arrived: number;
  /** When `asked` last rose, so that what was asked for counts as coming for the lead time. */
  readonly raisedAt: Millis | null;
  /** Since when there has been no fresh signal although there should be. */
  readonly blindSince: Millis | null;
  /** Recommendations that can still hold replicas: newest last, strictly falling. */
  readonly recommendations: readonly { readonly at: Millis; readonly replicas: number }[];
  /** Demand of the last minute, newest last. */
  readonly loads: readonly { readonly at: Millis; readonly demand: number }[];
  readonly burst: { readonly until: Millis; readonly replicas: number } | null;
  /** Raw values last published in `output: signal`, by position of the signal. */
  readonly raw: readonly number[];
  /** Of a trigger with a deadline, while there is work; absent or null: none. */
  readonly backlog?: Backlog | null;
}

export const initialState: State = {
  pods: {},
  asked: null,
  presumedSince: null,
  arrived: 0,
  raisedAt: null,
  blindSince: null,
  recommendations: [],
  loads: [],
  burst: null,
  raw: [],
};

/** A clock that was set back must not stretch what is past: moments ahead of now count as now. */
export function notAhead(state: State, now: Millis): State {
  if (!isAhead(state, now)) return state;
  const earlier = (at: Millis | null) => (at === null ? null : Math.min(at, now));
  const moved = <T extends { readonly at: Millis }>(each: T): T =>
    each.at > now ? { ...each, at: now } : each;
  return {
    ...state,
    presumedSince: earlier(state.presumedSince),
    raisedAt: earlier(state.raisedAt),
    blindSince: earlier(state.blindSince),
    recommendations: state.recommendations.map(moved),
    loads: state.loads.map(moved),
    ...(state.backlog === undefined ? {} : { backlog: backlogNotAhead(state.backlog, now) }),
  };
}

function backlogNotAhead(backlog: Backlog | null, now: Millis): Backlog | null {
  if (backlog === null) return null;
  const { at, roseAt, batches } = backlog;
  return {
    ...backlog,
    at: Math.min(at, now),
    roseAt: roseAt === null ? null : Math.min(roseAt, now),
    batches: batches.map((batch) => (batch.at > now ? { ...batch, at: now } : batch)),
  };
}

function isAhead(state: State, now: Millis): boolean {
  // Nothing of a backlog is later than when it was looked at.
  const moments = [state.presumedSince, state.raisedAt, state.blindSince, state.backlog?.at ?? null];
  if (moments.some((at) => at !== null && at > now)) return true;
  return state.recommendations.some(({ at }) => at > now) || state.loads.some(({ at }) => at > now);
}
