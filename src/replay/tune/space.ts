import { checkValue, knobNamed, TuneError, type Knob } from './knob.js';

/** One value of a knob; null leaves the manifest as it is there. */
export interface Option {
  readonly value: string | null;
  /** For people: the value, or what the manifest has now. */
  readonly shown: string;
}

export interface Dimension {
  readonly knob: Knob;
  readonly options: readonly Option[];
  /** Which option the manifest has now, as far as that is known: where a search by steps begins. */
  readonly start: number;
  /** What the manifest has now, for people; absent: an option says it, or nobody knows. */
  readonly present?: string;
}

/** What is searched: every combination of one option of each dimension. */
export type Space = readonly Dimension[];

/** One combination: the index of the option of each dimension. */
export type Point = readonly number[];

/** A value to write into the manifest. */
export interface Change {
  readonly knob: Knob;
  readonly value: string;
}

/** The word for the manifest's own value. */
export const NOW = 'now';

/**
 * `KEY=V1,V2,V3`, where `now` is the manifest's own value. Values that hold commas themselves are separated by
 * semicolons.
 *
 * @param texts a key that comes twice gets the values of both
 * @throws TuneError
 */
export function spaceOf(texts: readonly string[]): Space {
  const found = new Map<string, { knob: Knob; values: string[] }>();
  for (const text of texts) {
    const equals = text.indexOf('=');
    if (equals < 1) throw new TuneError(`got "${text}", expected KEY=VALUE,VALUE such as target=2,2.8,3.5`);
    const knob = knobNamed(text.slice(0, equals).trim());
    const entry = found.get(knob.key) ?? { knob, values: [] };
    entry.values.push(...valuesOf(text.slice(equals + 1), knob));
    found.set(knob.key, entry);
  }
  return [...found.values()].map(({ knob, values }) => {
    const options = [...new Set(values)].map((value): Option => {
      return { value: value === NOW ? null : value, shown: value };
    });
    const own = options.findIndex(({ value }) => value === null);
    return { knob, options, start: own === -1 ? Math.floor((options.length - 1) / 2) : own };
  });
}

/** Windows hold commas and semicolons of their own: one value each time that the key is given. */
const HOLD_BOTH = ['warmWindows', 'sleepWindows'];

function valuesOf(text: string, knob: Knob): string[] {
  const separator = text.includes(';') ? ';' : ',';
  const values = HOLD_BOTH.includes(knob.key)
    ? [text.trim()]
    : text.split(separator).map((each) => each.trim());
  for (const value of values) {
    if (value === '') throw new TuneError(`${knob.key}: a value is empty in "${text}"`);
    if (value !== NOW) checkValue(knob, value);
  }
  return values;
}

export function combinations(space: Space): number {
  return space.reduce((product, { options }) => product * options.length, 1);
}

/** All of them, the last dimension fastest. */
export function* allPoints(space: Space): Generator<Point> {
  const total = combinations(space);
  for (let rank = 0; rank < total; rank += 1) {
    const point: number[] = [];
    let rest = rank;
    for (const { options } of space.toReversed()) {
      point.unshift(rest % options.length);
      rest = Math.floor(rest / options.length);
    }
    yield point;
  }
}

export function startPoint(space: Space): Point {
  return space.map(({ start }) => start);
}

/** What a point writes into the manifest. */
export function changesAt(space: Space, point: Point): Change[] {
  return space.flatMap(({ knob, options }, index) => {
    const value = options[point[index] ?? 0]?.value ?? null;
    return value === null ? [] : [{ knob, value }];
  });
}
