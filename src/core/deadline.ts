import type { Millis } from './time.js';

/** Work that is to be done by a moment. */
export interface Task {
  /** Whole jobs, > 0. */
  readonly jobs: number;
  /** From now until the last of them is to be done; may be past, and is then negative. */
  readonly within: Millis;
}

/** Who can work, and from when. */
export interface Crew {
  /** Jobs that one replica works on at once, > 0. */
  readonly slots: number;
  /** How long one job takes, > 0. */
  readonly serviceTime: Millis;
  /** Replicas that serve now. */
  readonly ready: number;
  /** Replicas that were asked for, and how long it still takes until they serve. */
  readonly starting: number;
  /** At most `leadTime`. */
  readonly startingIn: Millis;
  /** How long it takes until a replica serves that is asked for now. */
  readonly leadTime: Millis;
  /**
   * How much of the first job of each slot of the ready replicas is done already, 0 to 1: those jobs are counted in the
   * backlog, and nobody knows how far they are.
   */
  readonly begun: number;
}

/**
 * The fewest replicas that finish a task in time; null when no number does.
 *
 * Every replica costs its start, during which its GPU is paid and does nothing, and then the time it works. The work
 * itself, jobs × serviceTime ÷ slots, costs the same whoever does it. So the fewest GPU-seconds are those of the fewest
 * replicas that still make it, and all of them at once: one that joined later could have done more by starting now, and
 * two that work half as long each cost a start more. Those that are ready have paid theirs, and are taken first.
 *
 * Jobs are whole and no slot does a part of one, so that a slot with time D does ⌊D ÷ serviceTime⌋ jobs: with 30 s each,
 * 100 s are 3 jobs and not 3.3. Starting replicas have D − startingIn, new ones D − leadTime. A slot that is in the
 * middle of a job does that one when its rest r = (1 − begun) × serviceTime is over, and ⌊(D − r) ÷ serviceTime⌋ more.
 *
 * 100 jobs of 30 s in 10 min, one slot, a lead time of 4 min, none ready: 12 jobs for each replica, 9 replicas. With one
 * ready that does 20: 80 are left, 7 more.
 */
export function fewestReplicas({ jobs, within }: Task, crew: Crew): number | null {
  const { slots, ready, starting, startingIn, leadTime } = crew;
  let left = jobs;
  let replicas = 0;
  const groups = [
    { count: ready, each: slots * roundsOfReady(within, crew) },
    { count: starting, each: slots * rounds(within - startingIn, crew) },
    { count: Infinity, each: slots * rounds(within - leadTime, crew) },
  ];
  for (const { count, each } of groups) {
    if (left <= 0) break;
    if (count === 0) continue;
    // Whoever comes later has less time, and does not finish a job either.
    if (each <= 0) return null;
    const needed = Math.min(count, Math.ceil(roundedUp(left / each)));
    replicas += needed;
    left -= needed * each;
  }
  return replicas;
}

/** Jobs in a row that one slot finishes in a length of time. */
function rounds(length: Millis, { serviceTime }: Crew): number {
  return Math.max(0, Math.floor(length / serviceTime + 1e-9));
}

function roundsOfReady(within: Millis, crew: Crew): number {
  const rest = (1 - crew.begun) * crew.serviceTime;
  return within < rest - 1e-6 ? 0 : rounds(within - rest, crew) + 1;
}

/** 3.0000000000000004 is 3. */
function roundedUp(value: number): number {
  const whole = Math.round(value);
  return Math.abs(value - whole) < 1e-9 * Math.max(1, whole) ? whole : value;
}

/** More than these have nothing to do: one slot for each job. */
export function mostUseful(jobs: number, slots: number): number {
  return Math.max(1, Math.ceil(roundedUp(jobs / slots)));
}

const MOST_HALVINGS = 100;

/** How long so many replicas take for the jobs; `Infinity` for none. Exact to a millisecond. */
export function finishedIn(jobs: number, replicas: number, crew: Crew): Millis {
  const { slots, serviceTime, ready, starting, leadTime } = crew;
  if (replicas <= 0) return Infinity;
  const done = (within: Millis) => {
    const fromReady = Math.min(replicas, ready) * roundsOfReady(within, crew);
    const fromStarting =
      Math.min(Math.max(0, replicas - ready), starting) * rounds(within - crew.startingIn, crew);
    const fromNew = Math.max(0, replicas - ready - starting) * rounds(within - leadTime, crew);
    return slots * (fromReady + fromStarting + fromNew);
  };
  let [early, late]: [Millis, Millis] = [
    0,
    Math.max(leadTime, crew.startingIn) + (Math.ceil(jobs / slots) + 1) * serviceTime,
  ];
  // Halves a day 28 times; beyond 2^53 there are no milliseconds any more.
  for (let halved = 0; halved < MOST_HALVINGS && late - early > 0.5; halved += 1) {
    const middle = (early + late) / 2;
    if (done(middle) >= jobs - 1e-9) late = middle;
    else early = middle;
  }
  return Math.round(late);
}

const MOST_LATER = 1.25;

/** What is asked for, and how it stands. */
export interface Plan {
  readonly replicas: number;
  /** By how long the deadline is missed at the least, whatever is asked for; 0 when it can be met. */
  readonly short: Millis;
}

/**
 * Replicas for tasks of which each is to be done with all before it in its own time: jobs are served first come, first
 * served, so that the oldest are also the first that are due, and the hardest of the tasks decides.
 *
 * How far the jobs are that run is a guess (`crew.begun`), and the later of two jobs may be the one that is further. So there
 * are two counts, one as if they were that far and one as if they had just begun, and what stands between them stays: a
 * plan that is carried out is not changed by the jobs it has begun.
 *
 * What cannot be met is not chased at any price: it is late by as little as `most` replicas make it, and the fewest are
 * taken that add no more than a quarter to that. Of 100 jobs of 30 s due in 1 min, with a lead time of 4 min, 20 replicas
 * finish the last 5 min 30 s late; 15 finish it within 6 min 52 s of its time, and cost 5 starts less.
 *
 * @param tasks the jobs of each with those of all before it, the first due first
 * @param standing replicas that were asked for before
 * @param most replicas that may be asked for
 */
export function planFor(tasks: readonly Task[], crew: Crew, standing: number, most: number): Plan {
  const jobs = Math.max(0, ...tasks.map((task) => task.jobs));
  if (jobs <= 0) return { replicas: 0, short: 0 };
  const useful = Math.max(1, Math.min(most, mostUseful(jobs, crew.slots)));
  const least = hardest(tasks, crew);
  const short =
    least !== null && least <= most
      ? 0
      : Math.max(...tasks.map((task) => finishedIn(task.jobs, useful, crew) - task.within), 1);
  const relaxed =
    short === 0 ? tasks : tasks.map((task) => ({ ...task, within: task.within + MOST_LATER * short }));
  const counted = (begun: number) => hardest(relaxed, { ...crew, begun }) ?? useful;
  const [low, high] = [counted(crew.begun), counted(0)];
  const kept = Math.max(low, Math.min(standing, high));
  return { replicas: Math.max(1, Math.min(kept, useful)), short };
}

function hardest(tasks: readonly Task[], crew: Crew): number | null {
  let replicas = 0;
  for (const task of tasks) {
    const needed = fewestReplicas(task, crew);
    if (needed === null) return null;
    replicas = Math.max(replicas, needed);
  }
  return replicas;
}
