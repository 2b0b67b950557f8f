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
  /** The only namespace whose pods wait, or did when the back-off began; null: none, or several. */
  readonly alone: string | null;
  /** Since when others than that one ask for replicas that have no pods; null: none do. */
  readonly askedSince: number | null;
  readonly failures: number;
  /** Until when it does not count as able to grow; null: it does. */
  readonly until: number | null;
}

export const GROWING: GrowthState = {
  nodes: 0,
  waitingSince: null,
  alone: null,
  askedSince: null,
  failures: 0,
  until: null,
};

/** What is seen of a pool. Namespaces, and not how many pods: one of them must not decide for all. */
export interface GrowthSeen {
  readonly now: number;
  readonly nodes: number;
  /** Namespaces with pods that could be on a new node of the pool and on none that is there. */
  readonly waiting: readonly string[];
  /** Namespaces that want replicas there for which there are no pods yet. */
  readonly asking: readonly string[];
}

/**
 * A pool below its maximum whose nodes do not come (a quota, a cloud without GPUs to give) stops counting as able to grow,
 * so that nothing is promised of it, and is tried again after a while.
 *
 * Pods of one namespace alone may wait for something that no node would give them. So while another one asks for replicas
 * there is no back-off on their account: its pods, too, get a quarter of an hour for a node to come. No longer: who asks for
 * more than it can ever have must not keep the pool promised for ever.
 *
 * @returns `why` while it is not expected to grow
 */
export function growthStep(
  state: GrowthState,
  { now, nodes, waiting, asking }: GrowthSeen,
): { readonly state: GrowthState; readonly why: string | null } {
  const [first = null] = waiting;
  const alone = waiting.length === 1 ? first : null;
  const waits = waiting.length > 0;
  const askedSince = isBesides(alone ?? state.alone, asking) ? (state.askedSince ?? now) : null;
  if (nodes > state.nodes) {
    const waitingSince = waits ? now : null;
    return { state: { nodes, waitingSince, alone, askedSince: null, failures: 0, until: null }, why: null };
  }
  const { until, failures } = state;
  const isJoined = isBesides(state.alone, waiting);
  const isAsked = askedSince !== null && now - askedSince < NODES_COME_WITHIN;
  if (until !== null && now < until && !isJoined && !isAsked) {
    return { state: { ...state, nodes, askedSince }, why: backedOff(until - now) };
  }
  const since = until !== null || isJoined ? now : (state.waitingSince ?? now);
  if (!waits || now - since < NODES_COME_WITHIN || isAsked) {
    const waitingSince = waits ? since : null;
    return { state: { nodes, waitingSince, alone, askedSince, failures, until: null }, why: null };
  }
  const pause = Math.min(BACK_OFF_FIRST * 2 ** Math.min(failures, 10), BACK_OFF_AT_MOST);
  return {
    state: { nodes, waitingSince: null, alone, askedSince, failures: failures + 1, until: now + pause },
    why: backedOff(pause),
  };
}

/** Whether others are among the namespaces than the one that waits alone; false where none does. */
function isBesides(alone: string | null, namespaces: readonly string[]): boolean {
  return alone !== null && namespaces.some((each) => each !== alone);
}

function backedOff(left: number): string {
  return `grows no further for ${minutes(left)}: no node has come within ${minutes(NODES_COME_WITHIN)}`;
}

function minutes(length: number): string {
  return `${Math.max(1, Math.round(length / MINUTE))} min`;
}
