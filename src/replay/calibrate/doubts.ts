import type { Capacity } from './capacity.js';
import { faultOf, type Knee } from './knee.js';
import type { Operation } from './point.js';
import type { Saturation } from './saturation.js';
import type { Step } from './step.js';
import { number, percent } from './words.js';

/** A service time is measured under load if the lowest step has more than this of the highest throughput. */
const LOADED = 0.5;
/** Two measurements of one thing that differ by more contradict each other. */
const CONTRADICTION = 1.25;
const WORTH_SAYING = 0.1;
const SHORT = 0.15;

/** What a reader should know before trusting the figures, most telling first; empty when there is nothing. */
export function doubtsOf(
  steps: readonly Step[],
  knee: Extract<Knee, { kind: 'reached' }>,
  slo: number | null,
  capacity: Capacity | null,
  operation: Operation,
  saturation: Saturation,
): string[] {
  return [
    ...objective(steps, slo),
    ...aroundKnee(steps, knee),
    ...inFlight(steps),
    ...(capacity === null ? [] : ofCapacity(steps, capacity)),
    ...hiccups(steps, knee, slo),
    ...(operation.underLowest ? [UNDER_LOWEST] : []),
    ...unmeasured(saturation),
  ];
}

const UNDER_LOWEST =
  'the operating point lies under the lowest step, so its values are by Little’s law and the utilisation law, not ' +
  'measured: add a step with less load, such as a fixed request rate';

function objective(steps: readonly Step[], slo: number | null): string[] {
  if (slo === null) return ['no objective was given, so the knee is by throughput alone: give --p99'];
  const without = steps.filter(({ p99 }) => p99 === null).length;
  if (without === 0) return [];
  return [`p99 is missing at ${without} of ${steps.length} steps, so the objective is not checked there`];
}

function aroundKnee(
  steps: readonly Step[],
  { index, next, why }: { index: number; next: number; why: string },
) {
  const [at, after, last] = [steps[index], steps[next], steps.at(-1)];
  if (at === undefined || after === undefined || last === undefined) return [];
  const doubts: string[] = [];
  if (after.load > 2 * at.load)
    doubts.push(`the knee lies between ${number(at.load)} and ${number(after.load)}: measure a step between`);
  if (why !== 'flat') return doubts;
  if (last.load < 1.5 * at.load)
    doubts.push(`the last step has only ${number(last.load / at.load)} times the knee's load: go further`);
  const past = steps.slice(index).map(({ throughput }) => throughput);
  const [least, most] = [Math.min(...past), Math.max(...past)];
  if (most > (1 + WORTH_SAYING) * least)
    doubts.push(
      `throughput from the knee on varies from ${number(least)} to ${number(most)}/s: longer steps, or the replica ` +
        'gets slower the more it is given',
    );
  return doubts;
}

/** With a fixed number in flight, throughput × latency has to be that number. */
function inFlight(steps: readonly Step[]): string[] {
  const ratios = steps.flatMap(({ held, mean, load, throughput }) =>
    held === 'concurrency' && mean !== null ? [(throughput * mean) / load] : [],
  );
  const ratio = ratios.toSorted((a, b) => a - b)[Math.floor(ratios.length / 2)];
  if (ratio === undefined) return [];
  if (ratio > CONTRADICTION)
    return [
      `throughput × latency is ${number(ratio)} times the requests in flight: if each request carries several ` +
        `inferences, give --batch ${Math.round(ratio)}`,
    ];
  if (ratio > 1 / CONTRADICTION) return [];
  return [
    `throughput × latency is only ${number(ratio)} times the requests in flight: the load generator was too slow, ` +
      'or paused between requests',
  ];
}

function ofCapacity(steps: readonly Step[], { throughput, saturated, shortfall }: Capacity): string[] {
  const [lowest] = steps;
  if (lowest === undefined) return [];
  const doubts: string[] = [];
  if (!saturated)
    doubts.push('throughput was still rising when the test left the objective: slots are at least so many');
  if (lowest.service === null && lowest.load > 1 && lowest.throughput > LOADED * throughput)
    doubts.push(
      'the lowest step already waits for slots, and serviceTime has that wait in it: add a step at 1',
    );
  const at = shortfall === null ? undefined : steps[shortfall.at];
  if (shortfall !== null && shortfall.share > SHORT && at !== undefined)
    doubts.push(
      `at ${number(at.load)} throughput is ${percent(shortfall.share)} below what free slots would give: requests ` +
        'slow each other down (batching, or a shared resource), so slots and serviceTime hold together, as ' +
        `${number(throughput)} requests/s, and not each by itself`,
    );
  const fastest = Math.max(...steps.map((step) => step.throughput / step.load));
  if (lowest.held !== 'rate' && fastest > (1 + WORTH_SAYING) * (lowest.throughput / lowest.load))
    doubts.push(
      'the lowest step is slower than a later one, so serviceTime is too long: warm up before the test',
    );
  return doubts;
}

function hiccups(steps: readonly Step[], { index }: { index: number }, slo: number | null): string[] {
  return steps
    .slice(0, index + 1)
    .filter((step) => faultOf(step, slo) !== null)
    .map(
      (step) =>
        `the step at ${number(step.load)} is out of line and was taken for a hiccup: measure it again`,
    );
}

function unmeasured({ shares, verdict }: Saturation): string[] {
  if (verdict !== 'cpu' || shares.some(({ name }) => name === 'GPU')) return [];
  return ['GPU utilisation was not measured, so that the CPU is full first is half the evidence'];
}
