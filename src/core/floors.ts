import { moved } from './bounds.js';
import type { Moment } from './moment.js';
import type { Floor, Sleep } from './observation.js';
import type { Recommendation } from './recommend.js';

/**
 * The rest of stage 7: what people asked for by time or by hand. It comes after the scale-down window, so that a floor
 * that has ended holds nothing any longer.
 */
export function asOrdered(moment: Moment, recommendation: Recommendation): Recommendation {
  const floors = floorsNow(moment);
  const sleep = sleepNow(moment, floors);
  // Zero is wanted whatever the load is, so that it needs no data either.
  if (sleep !== null) return { ...moved(recommendation, 'ceiling', 0, sleep.why), verdict: 'fresh' };
  const [first, ...others] = floors;
  if (first === undefined) return recommendation;
  return lifted(
    moment,
    recommendation,
    others.reduce((a, b) => (b.replicas > a.replicas ? b : a), first),
  );
}

function floorsNow({ observation: { floors = [] }, now }: Moment): readonly Floor[] {
  return floors.length === 0 ? floors : floors.filter(({ until, replicas }) => until > now && replicas > 0);
}

/** Null while somebody means the workload to be up. */
function sleepNow({ observation: { sleep = null }, now }: Moment, floors: readonly Floor[]): Sleep | null {
  if (sleep === null || sleep.until <= now) return null;
  return floors.every(({ by }) => by === 'forecast') ? sleep : null;
}

function lifted(moment: Moment, recommendation: Recommendation, floor: Floor): Recommendation {
  const { most, situation, state } = moment;
  const replicas = Math.min(floor.replicas, most);
  const why = replicas < floor.replicas ? `${floor.why}; capped at ${most}` : floor.why;
  if (recommendation.verdict === 'blind') {
    const raised = moved(recommendation, 'floor', Math.max(replicas, recommendation.replicas), why);
    // Where replicas run and nobody knows how many are needed, a floor is no answer: fewer than run may be the floor, and
    // more than that needed. From zero it wakes, which takes no data.
    const fromZero = situation !== 'blind' || state.asked === 0;
    return { ...raised, verdict: fromZero ? 'fresh' : 'blind' };
  }
  // What was asked for and is starting is not what the load says: whose wish it is has to be named.
  const isNamed = replicas === recommendation.replicas && situation !== 'reporting';
  return replicas > recommendation.replicas || isNamed
    ? moved(recommendation, 'floor', replicas, why)
    : recommendation;
}

/** The last of stage 7: nobody gets GPUs that are not there. What runs unseen is not scaled down for it. */
export function asGranted(
  { observation: { grant = null } }: Moment,
  recommendation: Recommendation,
): Recommendation {
  const { replicas, verdict } = recommendation;
  if (grant === null || verdict === 'blind' || replicas <= grant.replicas) return recommendation;
  return { ...moved(recommendation, 'ceiling', grant.replicas, grant.why), wanted: replicas };
}
