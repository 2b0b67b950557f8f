/** What one signal tells of the load: requests that come each second, that are there, wait or run, or how busy replicas are. */
export type LoadRole = 'arrivals' | 'inSystem' | 'waiting' | 'running' | 'busy' | 'none';

/** One of a trigger's signals as far as it tells the load. */
export interface LoadSource {
  readonly role: LoadRole;
  /** Whether it can be asked which requests leave the pods. */
  readonly tellsServed: boolean;
}

/** Which of a trigger's signals, by position, tell its load. Fixed for the life of a trigger, so that figures stay comparable. */
export interface LoadPlan {
  readonly arrivals: number | null;
  readonly inSystem: number | null;
  readonly waiting: number | null;
  readonly running: number | null;
  /** The one that is asked for what leaves the pods; null where that is not needed or not known. */
  readonly served: number | null;
  readonly busy: number | null;
  /** What this way of seeing the load cannot see, for people; null: nothing. */
  readonly caveat: string | null;
}

/**
 * The nearest to what comes in wins: requests counted at the door; then what is there together with what leaves, which is
 * as good for a server that keeps up or not; then what leaves alone, and how busy the replicas are, which both say full and
 * no more once a server is saturated.
 *
 * @returns null where no signal tells the load
 */
export function planLoad(sources: readonly LoadSource[]): LoadPlan | null {
  const found = (role: LoadRole) => positionOf(sources, (source) => source.role === role);
  const arrivals = found('arrivals');
  const inSystem = found('inSystem');
  const waiting = inSystem === null ? found('waiting') : null;
  const running = inSystem === null ? found('running') : null;
  const load = inSystem ?? waiting ?? running;
  const own = load !== null && sources[load]?.tellsServed === true ? load : null;
  const served = arrivals === null ? (own ?? positionOf(sources, (source) => source.tellsServed)) : null;
  const busy = arrivals ?? load ?? served ?? found('busy');
  if (busy === null) return null;
  const isBusy = arrivals === null && load === null && served === null;
  const plan = { arrivals, inSystem, waiting, running, served, busy: isBusy ? busy : null };
  return { ...plan, caveat: caveatOf(plan) };
}

function positionOf(sources: readonly LoadSource[], is: (source: LoadSource) => boolean): number | null {
  const position = sources.findIndex(is);
  return position < 0 ? null : position;
}

function caveatOf({ arrivals, inSystem, waiting, running, busy }: Omit<LoadPlan, 'caveat'>): string | null {
  if (arrivals !== null || inSystem !== null || waiting !== null) return null;
  const from =
    running !== null ? 'the requests that run' : busy !== null ? 'utilisation' : 'the requests served';
  return `the load is worked out from ${from}: a saturated server hides demand`;
}
