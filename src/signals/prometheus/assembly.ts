import { SECOND, type Millis } from '../../core/time.js';
import type { MetricSeries } from '../../ports/metric-source.js';
import type { Profile } from '../../policy/profile.js';
import { PART_LABEL } from '../../policy/promql.js';
import { elementReader } from './element-text.js';
import { elementOf, label, type Element } from './element.js';
import { QueryFault } from './fault.js';
import { createLabelSets, ownerReader, type LabelSets, type Place } from './label-sets.js';
import { createRowValues, seriesOf } from './row-values.js';
import { parseElements } from './vector-stream.js';

/** Elements in, series out. One for each attempt. */
export interface Assembly {
  /** @throws QueryFault when the element does not fit the question */
  add(element: Element): void;
  /**
   * The same for elements as they stand in the body: compact JSON, without the brackets around them.
   *
   * @throws QueryFault also when they are no JSON
   */
  addText(text: Buffer): void;
  /** @throws QueryFault when the elements together do not fit the question */
  finish(): { readonly series: readonly MetricSeries[]; readonly dropped: Dropped };
}

export interface Dropped {
  /** Values whose sample time did not come along, so that their age is unknown. */
  readonly withoutTime: number;
  /** Values that name no namespace or no pod (or service), so that they belong to no workload. */
  readonly withoutOwner: number;
}

export const NONE_DROPPED: Dropped = { withoutTime: 0, withoutOwner: 0 };

/** Series of a tenant's own query; a workload with more pods than this is not served. */
const MOST_TRIGGER_SERIES = 10_000;

/**
 * The three parts of a profile's answer put together again: `value`, `at` and `weight` with the same labels are one
 * sample. Its age is worked out on Prometheus's clock alone (evaluation time − sample time) and then taken off ours,
 * so that clocks that differ do no harm.
 *
 * @param asked when the query was sent, on our clock. The evaluation cannot have been earlier, so a slow answer makes
 *   samples look slightly too old, never too young.
 */
export function clusterAssembly(
  profile: Profile,
  byModel: boolean,
  asked: Millis,
  sets: LabelSets = labelSetsFor(profile, byModel),
): Assembly {
  const rows = createRowValues(sets.rows());
  let withoutOwner = 0;

  function fill({ row, part }: Place, time: number, value: number): void {
    if (part === null)
      throw new QueryFault('unusable', `cannot use the answer: an element lacks the label ${PART_LABEL}`);
    switch (part) {
      case 'value':
        if (row.owner === null) withoutOwner += 1;
        rows.value(row, value);
        return;
      case 'at':
        rows.age(row, ageOf(time, value));
        return;
      case 'weight':
        rows.weight(row, value);
    }
  }

  const readText = elementReader(sets, fill);

  function add({ labels, time, value }: Element): void {
    fill(sets.of(labels), time, value);
  }

  return {
    add,
    addText(text) {
      const read = readText(text.toString('latin1'));
      if (read < text.length) addParsed(text.subarray(read), add);
    },
    finish() {
      const { series, withoutTime } = rows.series(asked);
      return { series, dropped: { withoutTime, withoutOwner } };
    },
  };
}

export function labelSetsFor(profile: Profile, byModel: boolean): LabelSets {
  return createLabelSets(ownerReader(profile.series === 'pod', byModel ? profile.model : undefined));
}

/** Pods that are up: each element's value is the time of the proof, in seconds on Prometheus's clock. */
export function aliveAssembly(asked: Millis): Assembly {
  const series: MetricSeries[] = [];
  const ownerOf = ownerReader(true, undefined);
  let withoutOwner = 0;
  let withoutTime = 0;
  const add = ({ labels, time, value }: Element) => {
    const owner = ownerOf(labels);
    const age = ageOf(time, value);
    if (owner === null) withoutOwner += 1;
    else if (age === null) withoutTime += 1;
    else series.push(seriesOf(owner, 1, asked - age, null));
  };
  return {
    add,
    addText: (text) => addParsed(text, add),
    finish: () => ({ series, dropped: { withoutTime, withoutOwner } }),
  };
}

/**
 * A tenant's own query: one series a pod, or a single one for the workload as a whole. Its labels are the tenant's
 * word; whoever assigns the series must look at this workload's pods only.
 */
export function triggerAssembly(asked: Millis): Assembly {
  const series: MetricSeries[] = [];
  let withoutPod = 0;
  const add = ({ labels, value }: Element) => {
    if (series.length === MOST_TRIGGER_SERIES)
      throw new QueryFault(
        'refused',
        `the query returns more than ${MOST_TRIGGER_SERIES} series; aggregate with sum(...)`,
      );
    const pod = label(labels, 'pod');
    const namespace = pod === null ? '' : (label(labels, 'namespace') ?? '');
    if (pod === null) withoutPod += 1;
    series.push(seriesOf({ namespace, pod, service: null, model: null }, value, asked, null));
  };
  return {
    add,
    addText: (text) => addParsed(text, add),
    finish() {
      if (withoutPod > 0 && series.length > 1)
        throw new QueryFault(
          'refused',
          `the query returns ${withoutPod} series without a pod label; aggregate with sum(...) or keep the pod label`,
        );
      return { series, dropped: NONE_DROPPED };
    },
  };
}

function addParsed(text: Buffer, add: (element: Element) => void): void {
  for (const element of parseElements(text)) add(elementOf(element));
}

/** Null for a time that is no number. A sample from the future (an exporter's clock) counts as new. */
function ageOf(evaluated: number, sampled: number): Millis | null {
  return Number.isFinite(sampled) ? Math.max(0, evaluated - sampled) * SECOND : null;
}
