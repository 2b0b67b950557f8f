import { SECOND, type Millis } from '../../core/time.js';
import type { MetricSeries } from '../../ports/metric-source.js';
import type { Profile } from '../../policy/profile.js';
import { PART_LABEL, type Part } from '../../policy/promql.js';
import { label, type Element } from './element.js';
import { QueryFault } from './fault.js';

/** Elements in, series out. One for each attempt. */
export interface Assembly {
  /** @throws QueryFault when the element does not fit the question */
  add(element: Element): void;
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

interface Owner {
  readonly namespace: string;
  readonly pod: string | null;
  readonly service: string | null;
  readonly model: string | null;
}

/** A series whose time and weight are still to come. */
interface Draft extends MetricSeries {
  readonly sample: { pod: string | null; value: number; at: Millis; weight?: number };
}

interface Row {
  readonly owner: Owner;
  /** One, unless a proxy has merged two servers and left both. */
  readonly drafts: Draft[];
  age: Millis | null;
  weight: number | null;
}

/**
 * The three parts of a profile's answer put together again: `value`, `at` and `weight` with the same labels are one
 * sample. Its age is worked out on Prometheus's clock alone (evaluation time − sample time) and then taken off ours,
 * so that clocks that differ do no harm.
 *
 * @param asked when the query was sent, on our clock. The evaluation cannot have been earlier, so a slow answer makes
 *   samples look slightly too old, never too young.
 */
export function clusterAssembly(profile: Profile, byModel: boolean, asked: Millis): Assembly {
  const rows = new Map<string, Row>();
  const ownerOf = ownerReader(profile, byModel);
  let withoutOwner = 0;

  function rowOf(labels: Element['labels']): Row | null {
    const key = keyOf(labels);
    const known = rows.get(key);
    if (known !== undefined) return known;
    const owner = ownerOf(labels);
    if (owner === null) return null;
    const row: Row = { owner, drafts: [], age: null, weight: null };
    rows.set(key, row);
    return row;
  }

  return {
    add({ labels, time, value }) {
      const part = labels[PART_LABEL];
      if (!isPart(part))
        throw new QueryFault('unusable', `cannot use the answer: an element lacks the label ${PART_LABEL}`);
      const row = rowOf(labels);
      if (row !== null) fill(row, part, value, ageOf(time, value));
      else if (part === 'value') withoutOwner += 1;
    },
    finish() {
      const series: MetricSeries[] = [];
      let withoutTime = 0;
      for (const { drafts, age, weight } of rows.values()) {
        if (age === null) withoutTime += drafts.length;
        else for (const draft of drafts) series.push(completed(draft, asked - age, weight));
      }
      return { series, dropped: { withoutTime, withoutOwner } };
    },
  };
}

/** Pods that are up: each element's value is the time of the proof, in seconds on Prometheus's clock. */
export function aliveAssembly(profile: Profile, asked: Millis): Assembly {
  const series: MetricSeries[] = [];
  const ownerOf = ownerReader({ ...profile, series: 'pod' }, false);
  let withoutOwner = 0;
  let withoutTime = 0;
  return {
    add({ labels, time, value }) {
      const owner = ownerOf(labels);
      const age = ageOf(time, value);
      if (owner === null) withoutOwner += 1;
      else if (age === null) withoutTime += 1;
      else series.push(draftOf(owner, 1, asked - age));
    },
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
  return {
    add({ labels, value }) {
      if (series.length === MOST_TRIGGER_SERIES)
        throw new QueryFault(
          'refused',
          `the query returns more than ${MOST_TRIGGER_SERIES} series; aggregate with sum(...)`,
        );
      const pod = label(labels, 'pod');
      const namespace = pod === null ? '' : (label(labels, 'namespace') ?? '');
      if (pod === null) withoutPod += 1;
      series.push(draftOf({ namespace, pod, service: null, model: null }, value, asked));
    },
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

function ownerReader(profile: Profile, byModel: boolean): (labels: Element['labels']) => Owner | null {
  const perPod = profile.series === 'pod';
  const modelLabel = byModel ? profile.model : undefined;
  return (labels) => {
    const namespace = label(labels, 'namespace');
    const name = label(labels, perPod ? 'pod' : 'service');
    if (namespace === null || name === null) return null;
    const model = modelLabel === undefined ? null : label(labels, modelLabel);
    return { namespace, pod: perPod ? name : null, service: perPod ? null : name, model };
  };
}

/**
 * The labels apart from the part. The metric's name does not count: a value may have kept it, its time never has.
 * Prometheus writes labels in the order of their names, so equal sets give equal keys.
 */
function keyOf(labels: Element['labels']): string {
  let key = '';
  for (const name in labels)
    if (name !== PART_LABEL && name !== '__name__') key += `${name}\u0000${String(labels[name])}\u0000`;
  return key;
}

function isPart(text: unknown): text is Part {
  return text === 'value' || text === 'at' || text === 'weight';
}

function fill(row: Row, part: Part, value: number, age: Millis | null): void {
  switch (part) {
    case 'value':
      row.drafts.push(draftOf(row.owner, value, Number.NaN));
      return;
    case 'at':
      row.age = older(row.age, age);
      return;
    case 'weight':
      row.weight = value;
  }
}

/** Null for a time that is no number. A sample from the future (an exporter's clock) counts as new. */
function ageOf(evaluated: number, sampled: number): Millis | null {
  return Number.isFinite(sampled) ? Math.max(0, evaluated - sampled) * SECOND : null;
}

function older(a: Millis | null, b: Millis | null): Millis | null {
  if (a === null || b === null) return a ?? b;
  return Math.max(a, b);
}

function draftOf({ namespace, pod, service, model }: Owner, value: number, at: Millis): Draft {
  return { namespace, service, model, sample: { pod, value, at } };
}

/** In place: for 50 000 pods a second set of objects would be most of the work after the last byte. */
function completed(draft: Draft, at: Millis, weight: number | null): MetricSeries {
  draft.sample.at = at;
  if (weight !== null) draft.sample.weight = weight;
  return draft;
}
