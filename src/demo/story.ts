/**
 * The load of the demo over time: idle, a burst, a plateau, and idle until everything is back at zero; then, where there is
 * time for it, the burst once more, of which the scaler is told before it comes. All times are seconds of the story, which
 * the demo runs at a multiple of real time.
 */

export type PhaseName = 'idle' | 'burst' | 'plateau';

interface Phase {
  readonly name: PhaseName;
  readonly from: number;
  /** Share of the workload's peak. */
  readonly level: number;
}

export interface Story {
  readonly seconds: number;
  readonly phases: readonly Phase[];
  /** Begins anew after its end; otherwise it stays idle. */
  readonly repeats: boolean;
}

const IDLE = 30;
const BURST = 75;
/**
 * From the end of the first workload's load to the end of the story: later workloads (16 s), requests in service
 * (6 s), a collection of the GPU exporter (10 s), KEDA's poll (30 s) and cooldown (120 s), another poll (30 s), and
 * reserve for a slow machine.
 */
const RETURN = 235;

/** With less the replicas of the burst would still be held back by the HPA's window of 60 s when the load ends. */
const SHORTEST_PLATEAU = 160;

export const SHORTEST_STORY = IDLE + BURST + SHORTEST_PLATEAU + RETURN;

/** From the end of the first load to the second: back at zero, and then the lead time of the slowest. */
const BETWEEN = 310;
/** Of the first load where a second one comes. */
const PLATEAU_OF_TWO = 100;

/** From so many seconds on the story has its second burst. */
export const WHOLE_STORY = IDLE + BURST + PLATEAU_OF_TWO + BETWEEN + BURST + RETURN;

/** @param seconds at least `SHORTEST_STORY`; what is more goes to the plateau */
export function storyOf(seconds: number, repeats: boolean): Story {
  const end = seconds - RETURN;
  const again = seconds >= WHOLE_STORY - 1e-6 ? end - BURST : null;
  const second: Phase[] =
    again === null
      ? []
      : [
          { name: 'burst', from: again, level: 1 },
          { name: 'idle', from: end, level: 0 },
        ];
  return {
    seconds,
    repeats,
    phases: [
      { name: 'idle', from: 0, level: 0 },
      { name: 'burst', from: IDLE, level: 1 },
      { name: 'plateau', from: IDLE + BURST, level: 0.55 },
      { name: 'idle', from: again === null ? end : again - BETWEEN, level: 0 },
      ...second,
    ],
  };
}

/** The second burst; null in a story that has none. */
export function secondBurst({ phases }: Story): { readonly from: number; readonly until: number } | null {
  const last = phases.findLastIndex(({ name }) => name === 'burst');
  const [burst, after] = [phases[last], phases[last + 1]];
  if (burst === undefined || after === undefined || burst.from === IDLE) return null;
  return { from: burst.from, until: after.from };
}

export function phaseAt(story: Story, second: number): Phase {
  const at = Math.max(0, story.repeats ? second % story.seconds : second);
  return story.phases.findLast((phase) => phase.from <= at) ?? { name: 'idle', from: 0, level: 0 };
}

/** When the load began that is under way, or was last; null before the first. */
export function loadBefore(story: Story, second: number): number | null {
  if (second < 0) return null;
  const round = story.repeats ? Math.floor(second / story.seconds) * story.seconds : 0;
  const begun = story.phases.findLast(({ name, from }) => name === 'burst' && from <= second - round);
  if (begun !== undefined) return round + begun.from;
  const last = story.phases.findLast(({ name }) => name === 'burst');
  return round === 0 || last === undefined ? null : round - story.seconds + last.from;
}

/** Requests per second as a share of the peak, with the swell that real traffic has: ±8 % every 23 s. */
export function levelAt(story: Story, second: number): number {
  return phaseAt(story, second).level * (1 + 0.08 * Math.sin((2 * Math.PI * second) / 23));
}

/** A speed and a story that go together. */
export interface Timing {
  /** Seconds of the story in one second. */
  readonly speed: number;
  readonly story: Story;
}

const DEFAULT_SPEED = 8;
/** Up to here the whole story is told; in less time than that takes, the one without the second burst. */
const SPEED_OF_WHOLE = 32;
/** Beyond this the HPA would sync more often than every 0.3 s, which a busy machine does not keep up with. */
export const MOST_SPEED = 50;
export const LEAST_SECONDS = SHORTEST_STORY / MOST_SPEED;

/**
 * @param seconds real seconds that one story shall take; null: repeat it
 * @param speed null: what fits the shortest story into `seconds`, never below real time
 * @returns the timing, or what is wrong with the two
 */
export function timingOf(seconds: number | null, speed: number | null): Timing | string {
  if (speed !== null && !(speed > 0 && speed <= MOST_SPEED))
    return `--speed: got ${speed}, expected a number above 0 and at most ${MOST_SPEED}`;
  if (seconds !== null && !(seconds >= LEAST_SECONDS && Number.isFinite(seconds)))
    return `--seconds: got ${seconds}, expected at least ${LEAST_SECONDS}`;
  if (seconds === null) return { speed: speed ?? DEFAULT_SPEED, story: storyOf(WHOLE_STORY, true) };
  const told = WHOLE_STORY / seconds <= SPEED_OF_WHOLE ? WHOLE_STORY : SHORTEST_STORY;
  const fitting = speed ?? Math.max(1, told / seconds);
  const length = seconds * fitting;
  if (length < SHORTEST_STORY - 1e-6) {
    const least = Math.ceil(SHORTEST_STORY / fitting);
    return `--seconds ${seconds} at --speed ${fitting}: the story takes ${SHORTEST_STORY} s, so expected --seconds ${least} or more, or no --speed`;
  }
  return { speed: fitting, story: storyOf(length, false) };
}
