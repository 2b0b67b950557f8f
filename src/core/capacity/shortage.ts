/** A shortage that lasts: when to tell people, and when to stop waiting for nodes that do not come. Milliseconds throughout. */

const MINUTE = 60_000;

/** Shorter ones are a node on its way, or a burst. */
export const TELL_AFTER = MINUTE;
const TELL_AGAIN_FIRST = 5 * MINUTE;
const TELL_AGAIN_AT_MOST = 60 * MINUTE;

/** What can last: too few GPUs or too little money for all that is wanted, or no node that could hold a pod at all. */
export type ShortageKind = 'GpuShortage' | 'NoNodeFits';

export interface ShortageEvent {
  readonly type: 'Warning' | 'Normal';
  readonly reason: ShortageKind | `${ShortageKind}Over`;
  readonly note: string;
}

const OVER: Readonly<Record<ShortageKind, string>> = {
  GpuShortage: 'all replicas that are wanted fit again',
  NoNodeFits: 'there is a node that can hold its pods, or none is wanted',
};

/** One workload's shortage. Null while there is none. */
export type ShortageState = {
  readonly since: number;
  /** How often it has been told. */
  readonly told: number;
  readonly tellAt: number;
  /** Since when it is not short any more; a gap of less than `TELL_AFTER` is the same shortage. */
  readonly overSince: number | null;
} | null;

/** @param why what is in the way; null when nothing is */
export function shortageStep(
  kind: ShortageKind,
  state: ShortageState,
  { now, why }: { readonly now: number; readonly why: string | null },
): { readonly state: ShortageState; readonly event: ShortageEvent | null } {
  if (why === null) {
    if (state === null) return { state, event: null };
    const overSince = state.overSince ?? now;
    if (now - overSince < TELL_AFTER) return { state: { ...state, overSince }, event: null };
    const note = `${OVER[kind]}, after ${minutes(overSince - state.since)}`;
    return {
      state: null,
      event: state.told > 0 ? { type: 'Normal', reason: `${kind}Over`, note } : null,
    };
  }
  if (state === null) {
    return { state: { since: now, told: 0, tellAt: now + TELL_AFTER, overSince: null }, event: null };
  }
  if (now < state.tellAt) return { state: { ...state, overSince: null }, event: null };
  const pause = Math.min(TELL_AGAIN_FIRST * 2 ** Math.min(state.told, 10), TELL_AGAIN_AT_MOST);
  return {
    state: { since: state.since, told: state.told + 1, tellAt: now + pause, overSince: null },
    event: { type: 'Warning', reason: kind, note: `${why}; for ${minutes(now - state.since)}` },
  };
}

/** No node for so long, and none will come soon: the cluster autoscaler's max-node-provision-time. */
export const NODES_COME_WITHIN = 15 * MINUTE;
/** The cluster autoscaler's own back-off for a node group: 5 minutes, doubled up to 30. */
const BACK_OFF_FIRST = 5 * MINUTE;
const BACK_OFF_AT_MOST = 30 * MINUTE;

/** One pool's growth. */
export interface GrowthState {
  readonly nodes: number;
  /** Since when pods wait for its nodes without any coming; null: none wait. */
  readonly waitingSince: number | null;
  readonly failures: number;
  /** Until when it does not count as able to grow; null: it does. */
  readonly until: number | null;
}

export const GROWING: GrowthState = { nodes: 0, waitingSince: null, failures: 0, until: null };

/**
 * A pool below its maximum whose nodes do not come (a quota, a cloud without GPUs to give) stops counting as able to grow,
 * so that nothing is promised of it, and is tried again after a while.
 *
 * @param waiting pods that could be on a new node of the pool and on none that is there
 * @returns `why` while it is not expected to grow
 */
export function growthStep(
  state: GrowthState,
  { now, nodes, waiting }: { readonly now: number; readonly nodes: number; readonly waiting: number },
): { readonly state: GrowthState; readonly why: string | null } {
  if (nodes > state.nodes) {
    return { state: { nodes, waitingSince: waiting > 0 ? now : null, failures: 0, until: null }, why: null };
  }
  const { until, failures } = state;
  if (until !== null && now < until) {
    return { state: { ...state, nodes }, why: backedOff(until - now) };
  }
  const waitingSince = waiting > 0 ? (until === null ? (state.waitingSince ?? now) : now) : null;
  if (waitingSince === null || now - waitingSince < NODES_COME_WITHIN) {
    return { state: { nodes, waitingSince, failures, until: null }, why: null };
  }
  const pause = Math.min(BACK_OFF_FIRST * 2 ** Math.min(failures, 10), BACK_OFF_AT_MOST);
  return {
    state: { nodes, waitingSince: null, failures: failures + 1, until: now + pause },
    why: backedOff(pause),
  };
}

function backedOff(left: number): string {
  return `no node has come within ${minutes(NODES_COME_WITHIN)}, tried again in ${minutes(left)}`;
}

function minutes(length: number): string {
  return `${Math.max(1, Math.round(length / MINUTE))} min`;
}
