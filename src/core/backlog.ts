import { planFor, type Crew, type Task } from './deadline.js';
import { figure, type Demand } from './demand.js';
import type { Moment } from './moment.js';
import type { Sample } from './observation.js';
import type { SignalPolicy } from './policy.js';
import { inWords, SECOND, type Millis } from './time.js';

/** The jobs of a backlog by when they came, as far as it can be told from how many there are. */
export interface Backlog {
  /** When it was looked at last. */
  readonly at: Millis;
  /** Replicas that served then. */
  readonly serving: number;
  /** What has been done of jobs that are still counted, in jobs: at most one for each slot. */
  readonly begun: number;
  /** When there were last more than before; null when they have only become fewer. */
  readonly roseAt: Millis | null;
  /** Oldest first. Jobs are not whole: a part of one may have been worked off. */
  readonly batches: readonly Batch[];
}

interface Batch {
  readonly at: Millis;
  readonly jobs: number;
}

const LONGEST_TICK: Millis = 30 * SECOND;

/** More than a Redis holds. */
const MOST_JOBS = 1e12;

/** Beyond that neighbours become one, as old as the older. */
const MOST_BATCHES = 16;

/**
 * What came and what went, of which only the difference is seen. What went is at least that by which there are fewer. The
 * replicas do a job for each slot and service time, and what they have done but nobody has seen go is of the jobs they
 * are in the middle of, at most one for each slot; beyond that it went too, and as many came in its place, provided that
 * jobs have come lately. (Without any the jobs take longer than they were said to, and are as old as they are.) The oldest go
 * first. With 10 jobs a minute ago, 10 now and one slot that takes 20 s, 3 have been done: one may be nearly over, 2 of
 * the oldest went, and 2 are new.
 *
 * @returns null for an empty backlog
 */
export function followBacklog(
  before: Backlog | null | undefined,
  jobs: number,
  serving: number,
  { slots, serviceTime }: Pick<Crew, 'slots' | 'serviceTime'>,
  now: Millis,
): Backlog | null {
  if (jobs <= 0) return null;
  if (!before) return { at: now, serving, begun: 0, roseAt: null, batches: [{ at: now, jobs }] };
  const known = before.batches.reduce((sum, batch) => sum + batch.jobs, 0);
  const passed = Math.max(0, now - before.at);
  // Whoever serves now and did not then may have begun right after that look, if it was not long ago.
  const slotsThen = before.serving * slots;
  const slotsSince = Math.max(0, serving - before.serving) * slots;
  const worked =
    Math.min(slotsThen, known) * passed +
    Math.min(slotsSince, Math.max(0, known - slotsThen)) * Math.min(passed, LONGEST_TICK);
  const done = before.begun + worked / serviceTime;
  const fewer = Math.max(0, known - jobs);
  const left = Math.max(0, done - fewer);
  const roseAt = jobs > known + 1e-9 ? now : before.roseAt;
  const flows = roseAt !== null && now - roseAt <= Math.max(LONGEST_TICK, 2 * serviceTime);
  const over = Math.max(0, left - Math.min(slotsThen + slotsSince, jobs));
  const unseen = flows ? over : 0;
  const gone = Math.min(known, fewer + unseen);
  const batches = without(before.batches, gone);
  const came = jobs - (known - gone);
  if (came > 1e-9) batches.push({ at: now, jobs: came });
  const few = batches.length > MOST_BATCHES ? merged(batches) : batches;
  return { at: now, serving, begun: left - over, roseAt, batches: few };
}

function without(batches: Backlog['batches'], gone: number): Batch[] {
  let left = gone;
  return batches.flatMap(({ at, jobs }) => {
    const taken = Math.min(jobs, left);
    left -= taken;
    return jobs - taken > 1e-9 ? [{ at, jobs: jobs - taken }] : [];
  });
}

/** The two that came closest after one another become one. */
function merged(batches: readonly Batch[]): Batch[] {
  let earlier: Batch | null = null;
  let closest: { readonly gap: Millis; readonly first: Batch; readonly second: Batch } | null = null;
  for (const batch of batches) {
    if (earlier !== null && (closest === null || batch.at - earlier.at < closest.gap))
      closest = { gap: batch.at - earlier.at, first: earlier, second: batch };
    earlier = batch;
  }
  const pair = closest;
  return batches.flatMap((batch) => {
    if (batch === pair?.second) return [];
    return batch === pair?.first ? [{ at: batch.at, jobs: batch.jobs + pair.second.jobs }] : [batch];
  });
}

export interface DeadlineDemand {
  readonly demand: Demand;
  readonly backlog: Backlog | null;
  /** Said with the decision when the deadline cannot be met; null when it can. */
  readonly late: string | null;
}

/** The demand of a backlog that is to be worked off in time. */
export function deadlineDemand(
  { policy, replicas, state, most, now }: Moment,
  signal: SignalPolicy,
  samples: readonly Sample[],
  deadline: Millis,
): DeadlineDemand {
  const { leadTime, raisedAt, serving } = starters(policy.leadTime, replicas, state, now);
  const slots = policy.slots ?? 1;
  // Without one the trigger is refused; should it be missing all the same, a job is taken to last as long as it may.
  const serviceTime = policy.serviceTime ?? deadline;
  const seen = samples.reduce((sum, sample) => sum + sample.value, 0);
  const jobs = Math.ceil(Math.min(seen, MOST_JOBS));
  const isIdle = seen <= signal.activation;
  const backlog = followBacklog(state.backlog, isIdle ? 0 : jobs, serving, { slots, serviceTime }, now);
  const read = `${signal.profile} ${figure(jobs)} ${signal.unit}`;
  if (backlog === null) {
    const demand = {
      raw: seen,
      total: seen,
      demand: 0,
      replicas: 0,
      idle: isIdle,
      why: `${read}: nothing to do`,
    };
    return { demand, backlog, late: null };
  }
  const standing = replicas.source === 'cluster' ? replicas.current : (state.asked ?? 0);
  const crew: Crew = {
    slots,
    serviceTime,
    ready: serving,
    starting: Math.max(0, standing - serving),
    startingIn: raisedAt === null ? leadTime : Math.max(0, leadTime - (now - raisedAt)),
    leadTime,
    begun: serving === 0 ? 0 : Math.min(1, backlog.begun / Math.min(serving * slots, jobs)),
  };
  const tasks = tasksOf(backlog, deadline, now);
  const plan = planFor(tasks, crew, standing, most);
  const due = Math.min(...tasks.map(({ within }) => within));
  const why = `${read} of ${inWords(serviceTime)}, the oldest due ${due < 0 ? `${inWords(-due)} ago` : `in ${inWords(due)}`}: ${plan.replicas} of ${figure(slots)} at once`;
  const demand = { raw: seen, total: seen, demand: plan.replicas, replicas: plan.replicas, idle: false, why };
  const late = `the deadline of ${inWords(deadline)} cannot be met: short by ${inWords(plan.short)}`;
  return { demand, backlog, late: plan.short > 0 ? late : null };
}

/** Each batch with all before it. */
function tasksOf({ batches }: Backlog, deadline: Millis, now: Millis): Task[] {
  let sum = 0;
  return batches.map(({ at, jobs }) => {
    sum += jobs;
    return { jobs: Math.ceil(sum - 1e-6), within: at + deadline - now };
  });
}

/**
 * Who serves. Without cluster access nobody tells, and those that were asked for last do not until the lead time has
 * passed.
 */
function starters(
  leadTime: Millis,
  replicas: Moment['replicas'],
  { asked, raisedAt, backlog }: Moment['state'],
  now: Millis,
): { readonly leadTime: Millis; readonly raisedAt: Millis | null; readonly serving: number } {
  if (replicas.source !== 'asked')
    return { leadTime, raisedAt, serving: Math.max(0, replicas.current - replicas.starting) };
  const all = asked ?? 0;
  const isRecent = raisedAt !== null && now - raisedAt < leadTime;
  return { leadTime, raisedAt, serving: isRecent ? Math.min(backlog?.serving ?? 0, all) : all };
}
