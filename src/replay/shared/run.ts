import { isUnderWay, observe, rescale, serveSecond } from '../course.js';
import { standingPool } from '../nodes.js';
import { SERVER_TICK_SECONDS } from '../pilotlight/manifest-policy.js';
import type { Observation } from '../policy.js';
import { checkSetup } from '../setup.js';
import { endLoading, endService, setReplicas } from '../workload.js';
import {
  claimAtStart,
  claimOf,
  memberOf,
  noteSecond,
  noteTick,
  sharerScore,
  wantedNow,
  type Member,
  type Sharer,
  type SharerScore,
} from './sharer.js';
import { grantedAtOnce, grantOf, newShares, shareRound, type Shares } from './shares.js';
import { bindOldest, noteScaled, noWaitingPods, type WaitingPods } from './waiting.js';

/**
 * `tiers`: the server grants each what the arbitration gives it. `first-come`: nobody is told of the others, and whose pod
 * is the oldest gets the next GPU.
 */
export type Sharing = 'tiers' | 'first-come';

/** Called at the end of each second. */
export type OnSecond = (t: number, members: readonly Member[]) => void;

/**
 * Runs several ScaledObjects, each with its load and its own loops of KEDA and the HPA, on one pool of GPUs. Within a
 * second: requests end, free GPUs go to the pods that wait, replicas become ready, requests arrive and start; then all
 * servers' decisions, the sharing out, those decisions again whose grant has changed; and last all loops.
 *
 * It begins as shared out by tiers, whatever comes then, so that both ways begin alike.
 *
 * @param gpus enough for everybody's minimum
 * @returns in the order of the sharers
 * @throws RangeError for a setup that makes no sense
 */
export function simulateShared(
  sharers: readonly Sharer[],
  gpus: number,
  sharing: Sharing,
  onSecond?: OnSecond,
): SharerScore[] {
  for (const { setup } of sharers) checkSetup(setup);
  const pool = standingPool(gpus);
  const start = grantedAtOnce(sharers.map(claimAtStart), gpus);
  const members = sharers.map((each) => memberOf(each, pool, start.get(each.object) ?? 0));
  const shares = sharing === 'tiers' ? newShares(gpus) : null;
  const waiting = noWaitingPods();
  for (let t = 0; members.some(({ course }) => isUnderWay(course, t)); t += 1) {
    for (const { course } of members) endService(course.workload, t);
    bindOldest(waiting, t);
    for (const { course } of members) {
      endLoading(course.workload, t);
      serveSecond(course, t);
    }
    tick(members, shares, waiting, t);
    bindOldest(waiting, t);
    for (const member of members) noteSecond(member, t);
    onSecond?.(t, members);
  }
  return members.map((member) => sharerScore(member, waiting.longest.get(member.course.workload) ?? 0));
}

/** All look before any of them acts, as they do not wait for each other in life. */
function tick(members: readonly Member[], shares: Shares | null, waiting: WaitingPods, t: number): void {
  const due = members
    .filter(({ run }) => t % run.every === 0)
    .map((member) => ({ member, seen: observe(member.course, t) }));
  for (const { member, seen } of due) member.run.see(t, seen, member.grant);
  if (shares !== null && t % SERVER_TICK_SECONDS === 0) share(due, shares, t);
  for (const { member, seen } of due) {
    rescale(member.course, t, member.run.act(t, seen), setReplicas);
    noteScaled(waiting, member.course.workload, t);
  }
}

/** As the server: what all have decided is shared out, and whose grant is another decides again within the same tick. */
function share(
  due: readonly { readonly member: Member; readonly seen: Observation }[],
  shares: Shares,
  t: number,
): void {
  const claims = () => due.map(({ member }) => claimOf(member.sharer, wantedNow(member)));
  const moved = shareRound(shares, claims(), t);
  let atOnce: ReadonlyMap<string, number> | null = null;
  for (const { member, seen } of due) {
    const { object } = member.sharer;
    member.grant = grantOf(shares, object);
    if (moved.has(object)) member.run.decide(t, seen, member.grant);
    noteTick(member, t, () => (atOnce ??= grantedAtOnce(claims(), shares.gpus)).get(object) ?? 0);
  }
}
