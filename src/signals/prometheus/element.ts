import { QueryFault } from './fault.js';

/** One element of an instant vector. */
export interface Element {
  readonly labels: Readonly<Record<string, unknown>>;
  /** Seconds on Prometheus's clock: the moment of evaluation. */
  readonly time: number;
  readonly value: number;
}

interface RawElement {
  readonly metric?: unknown;
  readonly value?: unknown;
  readonly values?: unknown;
  readonly histogram?: unknown;
  readonly histograms?: unknown;
}

/** @throws QueryFault when it is not a float sample of an instant vector */
export function elementOf(json: unknown): Element {
  if (typeof json !== 'object' || json === null) throw malformed();
  const { metric, value, values, histogram, histograms }: RawElement = json;
  if (values !== undefined || histograms !== undefined)
    throw new QueryFault('refused', 'the query returns a range vector; expected an instant vector');
  if (histogram !== undefined)
    throw new QueryFault(
      'refused',
      'the query returns native histograms; take a quantile, sum or count of them',
    );
  if (typeof metric !== 'object' || metric === null) throw malformed();
  return { labels: metric as Record<string, unknown>, ...timeAndValue(value) };
}

/** @throws QueryFault when it is not `[seconds, "value"]` */
export function timeAndValue(pair: unknown): { time: number; value: number } {
  if (!Array.isArray(pair)) throw malformed();
  const [time, text] = pair as unknown[];
  if (typeof time !== 'number' || typeof text !== 'string') throw malformed();
  return { time, value: floatOf(text) };
}

/** A label's value; an absent label and an empty one are the same to Prometheus. */
export function label(labels: Element['labels'], name: string): string | null {
  const value = labels[name];
  return typeof value === 'string' && value !== '' ? value : null;
}

/** @throws QueryFault when it is no number as Prometheus writes them */
export function floatOf(text: string): number {
  switch (text) {
    case 'NaN':
      return Number.NaN;
    case '+Inf':
    case 'Inf':
      return Number.POSITIVE_INFINITY;
    case '-Inf':
      return Number.NEGATIVE_INFINITY;
    default: {
      const value = Number(text);
      if (Number.isNaN(value) || text.trim() === '') throw malformed();
      return value;
    }
  }
}

function malformed(): QueryFault {
  return new QueryFault('unusable', 'cannot use the answer: an element is not a labelled sample');
}
