import { decide } from '../../core/decide.js';
import type { Decision } from '../../core/decision.js';
import { createForesight, foresee, see, type Foresight } from '../../core/forecast/foresight.js';
import type { ClusterReplicas, Grant, Observation, Reading } from '../../core/observation.js';
import type { LoadSample } from '../../core/forecast/observe.js';
import { initialState, type State } from '../../core/state.js';
import { SECOND, type Millis } from '../../core/time.js';
import { mondayMidnight, windowClock, type WindowClock } from '../../policy/schedule.js';
import { createStarts } from '../../policy/starts.js';
import type { Trigger } from '../../policy/trigger.js';
import type { Sample } from '../policy.js';
import { readingOf, recentSamples } from './readings.js';

/** One workload between two decisions. */
export interface Stepped {
  readonly state: State;
  /** The newest visible ones; the last stands until the next. */
  readonly samples: readonly Sample[];
  /** What they are to the trigger's profiles, in their order, and to the wake profile. */
  readonly readings: readonly Reading[];
  readonly wake: Reading;
  /** As the server does, the wake signal is read only where the last decision asked for it. */
  readonly needsWake: boolean;
  /** The trigger's windows; null where it has none. */
  readonly calendar: Calendar | null;
  /** What its past says of its load; null where the trigger wants no forecast. Changed in place by each step. */
  readonly foresight: Foresight | null;
}

/** The time of day that the replay's clock has not. */
interface Calendar {
  readonly windows: WindowClock;
  /** The moment of the replay's second 0. */
  readonly startsAt: Millis;
}

const unread: Reading = { kind: 'unread' };

/** What a replay knows of the world that it begins in. */
export interface Start {
  /** When the replay's second 0 was; left out, a Monday at midnight in the time zone of the trigger's windows. */
  readonly startsAt?: Millis | undefined;
  /** How long an idle node stays, in seconds; left out, ten minutes. */
  readonly nodeIdle?: number | undefined;
}

export function unstepped(trigger: Trigger, { startsAt, nodeIdle }: Start = {}): Stepped {
  return {
    state: initialState,
    samples: [],
    readings: trigger.profiles.map(() => unread),
    wake: unread,
    needsWake: true,
    calendar: calendarOf(trigger, startsAt),
    foresight: createForesight(trigger.policy, nodeIdle === undefined ? undefined : nodeIdle * SECOND),
  };
}

function calendarOf({ policy: { schedule } }: Trigger, startsAt: Millis | undefined): Calendar | null {
  if (schedule === null) return null;
  const startsOf = createStarts();
  return {
    windows: windowClock(schedule, startsOf),
    startsAt: startsAt ?? mondayMidnight(schedule.timezone, startsOf),
  };
}

/** Takes samples that have become visible, oldest first. */
export function withSamples(before: Stepped, trigger: Trigger, samples: readonly Sample[]): Stepped {
  const [first, ...more] = samples;
  if (first === undefined) return before;
  if (before.foresight !== null) for (const sample of samples) see(before.foresight, loadOf(sample));
  const recent = recentSamples(before.samples, [first, ...more]);
  const { policy, profiles, wake } = trigger;
  return {
    state: before.state,
    samples: recent,
    readings: profiles.map((profile, index) =>
      readingOf(profile, policy.signals[index] ?? { target: 1 }, recent),
    ),
    wake: wake === null || policy.wake === null ? unread : readingOf(wake, policy.wake, recent),
    needsWake: before.needsWake,
    calendar: before.calendar,
    foresight: before.foresight,
  };
}

function loadOf({ t, secs, arrivals, queue, running, ready }: Sample): LoadSample {
  return { at: t * SECOND, length: secs * SECOND, arrivals, waiting: queue, running, ready };
}

export interface Step {
  readonly next: Stepped;
  readonly observation: Observation;
  readonly decision: Decision;
}

/**
 * One decision of the core, on what the server would have seen with access to the cluster.
 *
 * @param t seconds on the replay's clock
 * @param grant null: nobody shares GPUs out, or all that it wants is there
 */
export function stepWorkload(
  before: Stepped,
  trigger: Trigger,
  { current, ready }: ClusterReplicas,
  t: number,
  grant: Grant | null = null,
): Step {
  const observation: Observation = {
    readings: before.readings,
    wake: before.needsWake ? before.wake : unread,
    replicas: { current, ready },
    hpaAsks: false,
    ...(grant === null ? {} : { grant }),
    ...(before.foresight === null ? {} : { forecast: foresee(before.foresight, current, t * SECOND) }),
    ...(before.calendar === null ? {} : windowsOn(before.calendar, trigger, t * SECOND)),
  };
  const { state, decision } = decide(before.state, observation, trigger.policy, t * SECOND);
  const { samples, readings, wake, calendar, foresight } = before;
  return {
    next: { state, samples, readings, wake, needsWake: decision.needsWake, calendar, foresight },
    observation,
    decision,
  };
}

/** The windows at a moment of the replay's clock, with their ends on the same clock. */
function windowsOn(
  { windows, startsAt }: Calendar,
  trigger: Trigger,
  now: Millis,
): Pick<Observation, 'floors' | 'sleep'> {
  const { floors, sleep } = windows(trigger.policy.leadTime, startsAt + now);
  return {
    floors: floors.map((floor) => ({ ...floor, until: floor.until - startsAt })),
    sleep: sleep === null ? null : { ...sleep, until: sleep.until - startsAt },
  };
}
