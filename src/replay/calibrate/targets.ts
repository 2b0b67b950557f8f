import type { Profile } from '../../policy/profile.js';
import { valueAt, type Point } from './point.js';
import type { Saturation } from './saturation.js';
import { isMeasured, resourceOf, signalAt, underLowest } from './signals.js';
import type { LoadTest, Step } from './step.js';

/** What one profile reads at the operating point: its target, if it is good for one. */
export interface Target {
  readonly profile: string;
  readonly unit: string;
  /** At the operating point; null: not measured there. */
  readonly value: number | null;
  readonly atKnee: number | null;
  /** False: worked out from throughput and times. */
  readonly measured: boolean;
  /** Why it cannot be scaled on; null: it can. */
  readonly unfit: string | null;
}

/** A signal that has come this near to its value at the knee cannot tell the two apart. */
const INDISTINCT = 0.95;

/**
 * The profiles worth a look: those asked for; else those with data, those of the server that was tested, the CPU's if
 * it was measured, requests per second, and what is in flight, which every load test knows.
 */
export function candidates(
  test: LoadTest,
  all: readonly Profile[],
  asked: readonly string[] | null,
): Profile[] {
  if (asked !== null) return all.filter(({ name }) => asked.includes(name));
  const has = (profile: Profile) => test.steps.some(({ signals }) => profile.name in signals);
  const cpu = test.steps.some(({ utilisation }) => utilisation.cpu !== undefined);
  const server = test.server;
  const ofServer = ({ source }: Profile) => server !== null && source.vendor.includes(server);
  const known = all.some((profile) => isInFlight(profile) && (has(profile) || ofServer(profile)));
  return all.filter(
    (profile) =>
      has(profile) ||
      ofServer(profile) ||
      (cpu && resourceOf(profile) === 'cpu') ||
      (profile.simulate === 'arrivals' && profile.series === 'service') ||
      (!known && isInFlight(profile)),
  );
}

/** The load itself: requests running and waiting in the pods. */
export function isInFlight({ simulate, series }: Profile): boolean {
  return simulate === 'concurrency' && series === 'pod';
}

export function targetOf(steps: readonly Step[], knee: number, point: Point, profile: Profile): Target {
  const read = (step: Step) => signalAt(step, profile);
  const value = valueAt(steps, point, read, underLowest(profile));
  const last = steps[knee];
  const atKnee = last === undefined ? null : read(last);
  return {
    profile: profile.name,
    unit: profile.unit,
    value,
    atKnee,
    measured: steps.some((step) => isMeasured(step, profile)),
    unfit: unfitness(value, atKnee),
  };
}

function unfitness(value: number | null, atKnee: number | null): string | null {
  if (value === null || atKnee === null) return 'not measured there';
  if (value <= 0) return 'still 0 there: it says nothing before the replica is full';
  if (atKnee < value) return 'falls as the load rises';
  return value > INDISTINCT * atKnee ? 'almost what it is at the knee: it cannot tell the two apart' : null;
}

/** What to scale on. */
export interface Choice {
  /** One, or the same quantity of servers that the test cannot tell apart. */
  readonly profiles: readonly string[];
  readonly target: number;
  readonly unit: string;
  readonly why: string;
}

/** The CPU where it is full first; else the load itself; else the signal that follows throughput best. */
export function chooseTarget(
  targets: readonly Target[],
  profiles: readonly Profile[],
  saturation: Saturation,
  share: number,
): Choice | null {
  const fit = targets.flatMap((each) =>
    each.unfit === null && each.value !== null ? [{ ...each, value: each.value }] : [],
  );
  const where = (test: (profile: Profile) => boolean) =>
    fit.filter(({ profile }) => profiles.some((each) => each.name === profile && test(each)));
  const cpu = where((profile) => resourceOf(profile) === 'cpu');
  if (saturation.verdict === 'cpu' && cpu.length > 0)
    return choice(
      cpu.slice(0, 1),
      'the CPU is full before the GPU is: the GPU would never ask for the replica',
    );
  const inFlight = where(isInFlight);
  const measured = inFlight.filter((each) => each.measured);
  const load = measured.length > 0 ? measured.slice(0, 1) : inFlight;
  if (load.length > 0)
    return choice(load, 'requests running and waiting are the load itself, before and past the knee');
  const [best] = fit.toSorted((a, b) => bend(a, share) - bend(b, share));
  return best === undefined ? null : choice([best], 'it follows throughput best of what was measured');
}

type Fit = Target & { readonly value: number };

function choice(from: readonly Fit[], why: string): Choice | null {
  const [first] = from;
  if (first === undefined) return null;
  const same = from.filter(({ value }) => value === first.value);
  return { profiles: same.map(({ profile }) => profile), target: first.value, unit: first.unit, why };
}

/** How far a signal is from following throughput: 0 where it has the same share of its value at the knee. */
function bend({ value, atKnee }: Fit, share: number): number {
  return atKnee === null ? Infinity : Math.abs(value / atKnee - share);
}
