/**
 * How much of the capacity a workload lays claim to: the most it has wanted within a window. A claim rises at once, so
 * that a burst is served within one tick, and falls when the window has passed without it, so that what others had to
 * yield comes back once and not with every wobble of the demand.
 */

/** Milliseconds, as everywhere in core. */
type Millis = number;

/** Moments and what was wanted then, in order; only those that nothing later reaches, so that the first is the claim. */
export type Wants = readonly { readonly at: Millis; readonly wanted: number }[];

export interface Claim {
  readonly claim: number;
  readonly wants: Wants;
}

/** @param window how long a peak is held for the workload after it; 0 holds none */
export function claimed(wants: Wants, wanted: number, window: Millis, now: Millis): Claim {
  // A clock that was set back leaves moments in the future, which would hold their claim for as long.
  const kept = wants.filter((each) => each.wanted > wanted && each.at > now - window && each.at <= now);
  const next = [...kept, { at: now, wanted }];
  return { claim: next[0]?.wanted ?? wanted, wants: next };
}
