import { finished, sorted, stepwise, type Steps } from '../steps.js';
import { claimed, type Wants } from './claims.js';
import { Placement, type Option } from './placement.js';
import { shareLevels, shareOut, type Sharer } from './share.js';

export interface Claimant {
  readonly id: string;
  /** 1 is served before 2. */
  readonly tier: 1 | 2;
  /** Replicas that the decision asks for now. */
  readonly wanted: number;
  /** Kept for it even while it does not want them. */
  readonly minimum: number;
  /** The same, but said by the operator and so served before any minimum; left out: none. */
  readonly guaranteed?: number;
  /** None: there is no node that could ever take it. */
  readonly options: readonly Option[];
}

export interface Supply {
  readonly pool: string;
  /** Of what the claimants' replicas take units; Infinity where nobody knows an end. */
  readonly units: number;
  /** Why there is no more, as in "pool a100 at its maximum of 4 nodes". */
  readonly limit: string;
}

export interface Grant {
  readonly id: string;
  readonly wanted: number;
  /** At most `wanted`. */
  readonly granted: number;
  /** The most it wanted within the window: so much its share is worked out with. */
  readonly claim: number;
  /** Where its share is. */
  readonly pools: readonly { readonly pool: string; readonly replicas: number }[];
  /** "wanted 9, 6 fit: pool a100 at its maximum of 4 nodes"; null when all of it is granted. */
  readonly why: string | null;
}

/** What each workload wanted lately. Plain data; begin with an empty object. */
export type ArbitrationState = Readonly<Record<string, Wants>>;

/** How long a peak stays claimed after it: capacity changes hands no faster, save to whoever is served before. */
export const GIVE_BACK_AFTER = 120_000;

/**
 * Who gets how many replicas of the capacity there is.
 *
 * First what the operator guarantees, then the minimums, tier 1 before tier 2 in each; then tier 1's claims, then tier 2's,
 * in proportion where they do not fit. So tier 2 can take nothing from tier 1 but its guaranteed minimum, whatever it wants;
 * and when tier 1 bursts, tier 2 yields in the same call.
 */
export function arbitrate(state: ArbitrationState, input: Arbitration): Arbitrated {
  return finished(arbitration(state, input));
}

export interface Arbitration {
  readonly claimants: readonly Claimant[];
  readonly supplies: readonly Supply[];
  readonly now: number;
  readonly giveBackAfter?: number;
}

export interface Arbitrated {
  readonly grants: readonly Grant[];
  readonly state: ArbitrationState;
}

/** The same, to be run in parts. */
export function* arbitration(state: ArbitrationState, input: Arbitration): Steps<Arbitrated> {
  const window = input.giveBackAfter ?? GIVE_BACK_AFTER;
  const next: Record<string, Wants> = Object.create(null) as Record<string, Wants>;
  const claims = new Map<string, number>();
  yield* stepwise(input.claimants, BETWEEN_YIELDS, ({ id, wanted }) => {
    const before = Object.hasOwn(state, id) ? (state[id] ?? []) : [];
    const { claim, wants } = claimed(before, wanted, window, input.now);
    claims.set(id, claim);
    next[id] = wants;
  });
  const placement = new Placement(
    new Map(input.supplies.map(({ pool, units }) => [pool, Math.max(0, units)])),
  );
  // By name, so that the answer does not depend on the order in which workloads were met.
  const able = yield* sorted(
    input.claimants.filter(({ options }) => options.length > 0),
    (a, b) => (a.id < b.id ? -1 : 1),
  );
  const guaranteed = (claimant: Claimant) => claimant.guaranteed ?? 0;
  const least = (claimant: Claimant) => Math.max(claimant.minimum, guaranteed(claimant));
  const claim = (claimant: Claimant) => Math.max(least(claimant), claims.get(claimant.id) ?? 0);
  for (const tier of TIERS) yield* shareLevels(placement, yield* sharersOf(able, tier, guaranteed));
  for (const tier of TIERS) yield* shareLevels(placement, yield* sharersOf(able, tier, least));
  for (const tier of TIERS) yield* shareOut(placement, yield* sharersOf(able, tier, claim));
  const limits = new Map(input.supplies.map(({ pool, limit }) => [pool, limit]));
  const explain = { placement, claims, limits, held: yield* heldByTier(able, placement) };
  const grants: Grant[] = [];
  yield* stepwise(input.claimants, BETWEEN_YIELDS, (each) => void grants.push(grantOf(each, explain)));
  return { grants, state: next };
}

const BETWEEN_YIELDS = 32;
const TIERS = [1, 2] as const;

function* sharersOf(
  able: readonly Claimant[],
  tier: 1 | 2,
  upTo: (claimant: Claimant) => number,
): Steps<Sharer[]> {
  const sharers: Sharer[] = [];
  yield* stepwise(able, BETWEEN_YIELDS, (claimant) => {
    if (claimant.tier !== tier) return;
    const { id, options } = claimant;
    const claim = upTo(claimant);
    if (claim > 0) sharers.push({ id, options, claim });
  });
  return sharers;
}

interface Placed {
  readonly placement: Placement;
  readonly claims: ReadonlyMap<string, number>;
  readonly limits: ReadonlyMap<string, string>;
  readonly held: HeldOfTier;
}

function grantOf(claimant: Claimant, placed: Placed): Grant {
  const { id, wanted } = claimant;
  const granted = Math.min(wanted, placed.placement.total(id));
  const pools = [...placed.placement.heldBy(id)]
    .filter(([, replicas]) => replicas > 0)
    .map(([pool, replicas]) => ({ pool, replicas }));
  const why = granted < wanted ? reason(claimant, granted, placed) : null;
  return { id, wanted, granted, claim: placed.claims.get(id) ?? wanted, pools, why };
}

function reason(claimant: Claimant, granted: number, placed: Placed): string {
  const { tier, wanted, options } = claimant;
  const short = `wanted ${wanted}, ${granted === 1 ? '1 fits' : `${granted} fit`}`;
  if (options.length === 0) return `${short}: no node could ever take it`;
  const limits = options.map(({ pool }) => placed.limits.get(pool) ?? `pool ${pool} is not there`);
  const before = tier === 1 ? 0 : heldBeside(claimant, 1, placed);
  const beside = heldBeside(claimant, tier, placed);
  const others = [
    before > 0 ? `tier 1 has ${before}` : null,
    beside > 0 ? `others of tier ${tier} have ${beside}` : null,
  ].filter((each) => each !== null);
  return [`${short}: ${limits.join(', ')}`, ...others].join('; ');
}

/** Replicas of all of a tier by pool. */
type HeldOfTier = Readonly<Record<1 | 2, ReadonlyMap<string, number>>>;

function* heldByTier(claimants: readonly Claimant[], placement: Placement): Steps<HeldOfTier> {
  const held = { 1: new Map<string, number>(), 2: new Map<string, number>() };
  yield* stepwise(claimants, BETWEEN_YIELDS, ({ id, tier }) => {
    for (const [pool, replicas] of placement.heldBy(id)) {
      held[tier].set(pool, (held[tier].get(pool) ?? 0) + replicas);
    }
  });
  return held;
}

/** Replicas of the others of a tier in the pools of a workload. */
function heldBeside({ id, options, tier: own }: Claimant, tier: 1 | 2, { held, placement }: Placed): number {
  let others = 0;
  for (const { pool } of options) {
    others += held[tier].get(pool) ?? 0;
    if (tier === own) others -= placement.heldBy(id).get(pool) ?? 0;
  }
  return others;
}
