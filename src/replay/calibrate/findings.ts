import type { Calibration, Reached } from './calibrate.js';
import type { Cost } from './cost.js';
import { faultOf, type Beyond, type Knee } from './knee.js';
import type { Step } from './step.js';
import { inWords, number, percent, seconds } from './words.js';

/** One finding: what it is about, and what was found. */
export type Finding = readonly [about: string, found: string];

/** The result in sentences, for the terminal and the page alike. */
export function findingsOf(calibration: Calibration): Finding[] {
  const { steps } = calibration;
  if (calibration.kind === 'unreached') return unreached(steps, calibration.knee, calibration.slo);
  const [first] = steps;
  if (first === undefined) return [];
  const { cost } = calibration;
  return [
    ['Knee', kneeInWords(steps, calibration)],
    ['Full first', saturationInWords(calibration, first)],
    ['Capacity', capacityInWords(calibration)],
    ['Operate at', operationInWords(calibration, steps)],
    ['Scale on', choiceInWords(calibration)],
    ...(cost === null ? [] : [['Cost', costInWords(cost)] as const]),
  ];
}

function unreached(
  steps: readonly Step[],
  knee: Exclude<Knee, { kind: 'reached' }>,
  slo: number | null,
): Finding[] {
  const [first, last] = [steps[0], steps.at(-1)];
  if (knee.kind === 'few' || first === undefined || last === undefined)
    return [['Knee', `not in ${steps.length === 1 ? 'one step' : 'no steps'}: a knee is seen between steps`]];
  if (knee.kind === 'below')
    return [
      ['Knee', `below the lowest step: at ${loadOf(first)} already ${fault(knee.why, first, slo)}`],
      ['Go on', lower(knee.why)],
    ];
  return [
    ['Knee', `not reached: throughput still rises at ${loadOf(last)}, the last step`],
    [
      'At least',
      `${number(last.throughput)} requests/s from one replica; no target, slots or cost follow from that`,
    ],
    ['Go on', `with ${number(last.load * 2)} and ${number(last.load * 4)} ${inWords(last.held)}`],
  ];
}

function lower(why: Beyond): string {
  switch (why) {
    case 'slo':
      return 'warm up before the first step and measure again; else this replica cannot meet the objective at all';
    case 'failures':
      return 'find out why requests fail before anything else';
    case 'behind':
    case 'flat':
      return 'measure at lower rates';
  }
}

function kneeInWords(
  steps: readonly Step[],
  { knee, ...rest }: Reached & { readonly slo: number | null },
): string {
  const [at, next] = [steps[knee.index], steps[knee.next]];
  if (at === undefined || next === undefined) return '';
  return `${number(at.throughput)} requests/s at ${loadOf(at)}; at ${loadOf(next)} ${fault(knee.why, next, rest.slo)}`;
}

function fault(why: Beyond, { failed, p99, throughput }: Step, slo: number | null): string {
  switch (why) {
    case 'flat':
      return 'throughput no longer rises';
    case 'slo':
      return `p99 is ${seconds(p99 ?? 0)}, over the ${seconds(slo ?? 0)} allowed`;
    case 'failures':
      return `${percent(failed ?? 0)} of the requests fail`;
    case 'behind':
      return `only ${number(throughput)} requests/s are answered`;
  }
}

function saturationInWords({ saturation: { shares, verdict, load } }: Reached, { held }: Step): string {
  const all = shares.map(({ name, share }) => `${name} ${percent(share)}`).join(', ');
  const where = `${all} at ${number(load)} ${inWords(held)}`;
  switch (verdict) {
    case 'cpu':
      return `the CPU, ${shares.some(({ name }) => name === 'GPU') ? 'before the GPU' : 'of what was measured'}: ${where}`;
    case 'full':
      return `${shares[0]?.name ?? ''}: ${where}`;
    case 'slots':
      return `the slots, for nothing that was measured is at its limit: ${where}`;
    case 'unknown':
      return 'unknown: no utilisation was measured';
  }
}

function capacityInWords({ capacity }: Reached): string {
  if (capacity === null) return 'unknown: no latency was measured';
  const { slots, serviceTime, throughput, saturated } = capacity;
  const least = saturated ? '' : 'at least ';
  return `${least}${number(slots)} slots of ${seconds(serviceTime)}, ${number(throughput)} requests/s when all are busy`;
}

function operationInWords({ operation, knee }: Reached, steps: readonly Step[]): string {
  const { throughput, inServer, p99 } = operation;
  const share = throughput / (steps[knee.index]?.throughput ?? throughput);
  return [
    `${number(throughput)} requests/s, ${percent(share)} of the knee`,
    ...(inServer === null ? [] : [`${number(inServer)} requests in the server`]),
    ...(p99 === null ? [] : [`p99 ${seconds(p99)}`]),
  ].join(', ');
}

function choiceInWords({ choice }: Reached): string {
  if (choice === null) return 'nothing: no signal tells the operating point from the knee';
  return `${choice.profiles.join(' or ')} at ${number(choice.target)} ${choice.unit} a replica: ${choice.why}`;
}

function costInWords({ pricePerHour, perThousand, inferencesPerUnit }: Cost): string {
  const each = `${number(perThousand)} for 1000 inferences at that point, with a replica at ${number(pricePerHour)} an hour`;
  return `${each}: ${millions(inferencesPerUnit)} inferences for 1`;
}

function millions(value: number): string {
  return value >= 1e6 ? `${number(value / 1e6)} million` : number(Math.round(value));
}

export function loadOf({ load, held }: Step): string {
  return `${number(load)} ${inWords(held)}`;
}

/** What to write beside a step in a table. */
export function remarkOn(calibration: Calibration, index: number): string {
  const step = calibration.steps[index];
  if (step === undefined) return '';
  if (calibration.kind === 'reached' && calibration.knee.index === index) return 'knee';
  const why = faultOf(step, calibration.slo);
  if (why === 'slo') return 'p99 over the objective';
  if (why === 'failures') return `${percent(step.failed ?? 0)} failed`;
  return why === 'behind' ? 'falls behind' : '';
}
