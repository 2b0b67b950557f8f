import { sorted, stepwise, type Steps } from '../steps.js';
import type { Placement, Placing } from './placement.js';

/** One of those who share, and how far it claims in all. */
export interface Sharer extends Placing {
  readonly claim: number;
}

/**
 * Shares what is left in proportion to the claims, by largest remainder: everybody gets the whole part of its quota,
 * and who has the largest fraction gets the next replica, ties going to the name. Nobody gets less than it has. What the
 * quotas cannot use, because it is in a pool of which not all can take, goes to whoever has the least of its claim.
 */
export function* shareOut(placement: Placement, sharers: readonly Sharer[]): Steps<void> {
  const hungry: Sharer[] = [];
  yield* stepwise(sharers, 64, (sharer) => {
    if (sharer.claim > placement.total(sharer.id)) hungry.push(sharer);
  });
  for (const group of yield* connected(hungry)) {
    let sharing = group;
    // Each round places a replica or leaves somebody out.
    while (sharing.length > 0) sharing = yield* shareRound(placement, sharing);
  }
}

/**
 * The first replica of everybody before the second of anybody, then the fourth, the eighth and so on: where minimums do not
 * fit, who says 10 000 leaves nobody with less than about an equal part.
 */
export function* shareLevels(placement: Placement, sharers: readonly Sharer[]): Steps<void> {
  let most = 0;
  for (const { claim } of sharers) most = Math.max(most, claim);
  for (let level = 1; level < 2 * most; level *= 2) {
    const upTo: Sharer[] = [];
    yield* stepwise(sharers, 64, (sharer) => {
      if (sharer.claim > level) upTo.push({ ...sharer, claim: level });
      else if (sharer.claim > level / 2) upTo.push(sharer);
    });
    yield* shareOut(placement, upTo);
  }
}

/** Each placement can be a search for who could move. */
const BETWEEN_YIELDS = 1;

/** @returns those who still want more and may yet get it */
function* shareRound(placement: Placement, group: readonly Sharer[]): Steps<Sharer[]> {
  const quota = yield* quotas(placement, group);
  const order = group.map((sharer, index) => {
    const own = quota[index] ?? 0;
    return { sharer, quota: own, rest: fraction(own) };
  });
  const stuck = new Set<Sharer>();
  let placed = 0;
  const grow = (sharer: Sharer, to: number) => {
    const more = Math.min(to, sharer.claim) - placement.total(sharer.id);
    if (more <= 0 || stuck.has(sharer)) return;
    const added = placement.add(sharer, more);
    placed += added;
    if (added < more) stuck.add(sharer);
  };
  yield* stepwise(order, BETWEEN_YIELDS, ({ sharer, quota }) => grow(sharer, Math.floor(quota + 1e-9)));
  const byRemainder = yield* sorted(
    order.filter(({ rest }) => rest > 0),
    (a, b) => b.rest - a.rest || (a.sharer.id < b.sharer.id ? -1 : 1),
  );
  yield* stepwise(byRemainder, BETWEEN_YIELDS, ({ sharer, quota }) => grow(sharer, Math.ceil(quota - 1e-9)));
  // Others may have to move for it, or its units be larger than what a quota is made of: one more each, if that can be.
  if (placed === 0 && stuck.size === 0) {
    yield* stepwise(group, BETWEEN_YIELDS, (sharer) => grow(sharer, placement.total(sharer.id) + 1));
  }
  const left: Sharer[] = [];
  yield* stepwise(group, 64, (sharer) => {
    if (!stuck.has(sharer) && placement.total(sharer.id) < sharer.claim) left.push(sharer);
  });
  return placed > 0 || left.length < group.length ? left : [];
}

function fraction(quota: number): number {
  const rest = quota - Math.floor(quota + 1e-9);
  return rest > 1e-9 ? rest : 0;
}

/**
 * `max(have, ratio × claim)` each, with the ratio at which it comes to what there is. It grows with the ratio, and the
 * ratio is found by taking out, one after the other, those who have more than it gives them.
 */
function* quotas(placement: Placement, group: readonly Sharer[]): Steps<number[]> {
  const meeting = new Set<string>();
  for (const { options } of group) for (const { pool } of options) meeting.add(pool);
  const pools = yield* placement.within(meeting);
  let left = 0;
  for (const pool of pools) left += Math.max(0, placement.left(pool));
  const each = group.map((sharer) => ({
    sharer,
    have: placement.total(sharer.id),
    units: Math.min(...sharer.options.map(({ units }) => units)),
  }));
  let sharing = each;
  for (;;) {
    yield;
    let supply = left;
    let claims = 0;
    for (const { sharer, have, units } of sharing) {
      supply += have * units;
      claims += sharer.claim * units;
    }
    const ratio = claims === 0 ? 1 : Math.min(1, supply / claims);
    const still = sharing.filter(({ sharer, have }) => ratio * sharer.claim >= have);
    if (still.length === sharing.length) {
      return each.map(({ sharer, have }) => Math.max(have, ratio * sharer.claim));
    }
    sharing = still;
  }
}

/**
 * Those who meet in a pool, directly or through others; each group in the order of names, and the groups in that of the
 * last who joined each.
 */
function* connected(sharers: readonly Sharer[]): Steps<Sharer[][]> {
  const groupAt = new Map<string, Group>();
  const groups = new Set<Group>();
  yield* stepwise(sharers, 32, (sharer) => {
    let group: Group = { pools: [], members: [] };
    for (const { pool } of sharer.options) {
      const met = groupAt.get(pool) ?? { pools: [pool], members: [] };
      groupAt.set(pool, met);
      if (met === group) continue;
      groups.delete(met);
      const [large, small] = met.members.length < group.members.length ? [group, met] : [met, group];
      for (const each of small.pools) groupAt.set(each, large);
      for (const each of small.pools) large.pools.push(each);
      for (const each of small.members) large.members.push(each);
      group = large;
    }
    group.members.push(sharer);
    groups.delete(group);
    groups.add(group);
  });
  return Array.from(groups, ({ members }) => members.sort((a, b) => (a.id < b.id ? -1 : 1)));
}

interface Group {
  readonly pools: string[];
  readonly members: Sharer[];
}
