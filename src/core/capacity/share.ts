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
export function shareOut(placement: Placement, sharers: readonly Sharer[]): void {
  const hungry = sharers.filter(({ id, claim }) => claim > placement.total(id));
  for (const group of connected(hungry)) {
    let sharing = group;
    // Each round places a replica or leaves somebody out.
    while (sharing.length > 0) sharing = shareRound(placement, sharing);
  }
}

/** @returns those who still want more and may yet get it */
function shareRound(placement: Placement, group: readonly Sharer[]): Sharer[] {
  const quota = quotas(placement, group);
  const order = group.map((sharer, index) => ({ sharer, quota: quota[index] ?? 0 }));
  const stuck = new Set<Sharer>();
  let placed = 0;
  const grow = (sharer: Sharer, to: number) => {
    const more = Math.min(to, sharer.claim) - placement.total(sharer.id);
    if (more <= 0 || stuck.has(sharer)) return;
    const added = placement.add(sharer, more);
    placed += added;
    if (added < more) stuck.add(sharer);
  };
  for (const { sharer, quota } of order) grow(sharer, Math.floor(quota + 1e-9));
  const byRemainder = order.toSorted(
    (a, b) => fraction(b.quota) - fraction(a.quota) || (a.sharer.id < b.sharer.id ? -1 : 1),
  );
  for (const { sharer, quota } of byRemainder) {
    if (fraction(quota) > 0) grow(sharer, Math.ceil(quota - 1e-9));
  }
  // Others may have to move for it, or its units be larger than what a quota is made of: one more each, if that can be.
  if (placed === 0 && stuck.size === 0) {
    for (const sharer of group) grow(sharer, placement.total(sharer.id) + 1);
  }
  const left = group.filter((sharer) => !stuck.has(sharer) && placement.total(sharer.id) < sharer.claim);
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
function quotas(placement: Placement, group: readonly Sharer[]): number[] {
  const pools = placement.within(new Set(group.flatMap(({ options }) => options.map(({ pool }) => pool))));
  let left = 0;
  for (const pool of pools) left += Math.max(0, placement.left(pool));
  const each = group.map((sharer) => ({
    sharer,
    have: placement.total(sharer.id),
    units: Math.min(...sharer.options.map(({ units }) => units)),
  }));
  let sharing = each;
  for (;;) {
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

/** Those who meet in a pool, directly or through others; each group in the order of names. */
function connected(sharers: readonly Sharer[]): Sharer[][] {
  const groups: { pools: Set<string>; members: Sharer[] }[] = [];
  for (const sharer of sharers) {
    const pools = new Set(sharer.options.map(({ pool }) => pool));
    const members = [sharer];
    for (const met of groups.filter((group) => [...pools].some((pool) => group.pools.has(pool)))) {
      for (const pool of met.pools) pools.add(pool);
      members.push(...met.members);
      groups.splice(groups.indexOf(met), 1);
    }
    groups.push({ pools, members });
  }
  return groups.map(({ members }) => members.toSorted((a, b) => (a.id < b.id ? -1 : 1)));
}
