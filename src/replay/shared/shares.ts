import { arbitrate, type ArbitrationState, type Grant as Share } from '../../core/capacity/arbitrate.js';
import { grantIn, isRoundDue, roundOf, type Asked, type Round } from '../../core/capacity/rounds.js';
import type { Grant } from '../../core/observation.js';
import { SECOND } from '../../core/time.js';

/** What one ScaledObject asks of the pool, and on which terms. */
export interface Claim extends Asked {
  readonly tier: 1 | 2;
  /** That each of its replicas takes. */
  readonly gpus: number;
  /** Replicas that nobody can take away. */
  readonly minimum: number;
}

/** A pool of GPUs as the server shares it out: `rounds` and `arbitrate` of the core, on the replay's clock. */
export interface Shares {
  readonly gpus: number;
  state: ArbitrationState;
  last: Round | null;
  /** By ScaledObject. */
  shares: ReadonlyMap<string, Share>;
}

export function newShares(gpus: number): Shares {
  return { gpus, state: {}, last: null, shares: new Map() };
}

/**
 * Shares the pool out, if that is due.
 *
 * @param t seconds on the replay's clock
 * @returns whose grant is another now, to be decided anew
 */
export function shareRound(own: Shares, claims: readonly Claim[], t: number): ReadonlySet<string> {
  const now = t * SECOND;
  if (!isRoundDue(own.last, claims, now)) return NOBODY;
  const before = own.shares;
  const { grants, state } = arbitrate(own.state, { ...termsOf(claims, own.gpus), now });
  own.state = state;
  own.last = roundOf(grants, now);
  own.shares = new Map(grants.map((share) => [share.id, share]));
  const replicas = (share: Share | undefined) =>
    share === undefined ? null : (grantIn(share)?.replicas ?? null);
  const moved = grants.filter((share) => replicas(share) !== replicas(before.get(share.id)));
  return new Set(moved.map(({ id }) => id));
}

/** Null: all that it wants. */
export function grantOf({ shares }: Shares, id: string): Grant | null {
  const share = shares.get(id);
  return share === undefined ? null : grantIn(share);
}

/** Replicas that each would be granted if nobody had wanted anything before. */
export function grantedAtOnce(claims: readonly Claim[], gpus: number): ReadonlyMap<string, number> {
  const { grants } = arbitrate({}, { ...termsOf(claims, gpus), now: 0 });
  return new Map(grants.map(({ id, granted }) => [id, granted]));
}

const POOL = 'gpus';
const NOBODY: ReadonlySet<string> = new Set();

function termsOf(claims: readonly Claim[], gpus: number) {
  return {
    claimants: claims.map(({ gpus: units, ...claim }) => ({
      ...claim,
      options: [{ pool: POOL, units, most: Math.floor(gpus / units) }],
    })),
    supplies: [
      { pool: POOL, units: gpus, limit: gpus === 1 ? 'the pool has 1 GPU' : `the pool has ${gpus} GPUs` },
    ],
  };
}
