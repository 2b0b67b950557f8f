import { floatOf } from './element.js';
import type { Known, LabelSets, Place } from './label-sets.js';

const METRIC = '{"metric":';
const VALUE = ',"value":[';
/** As JSON has it, without exponent: how Prometheus writes a moment. */
const PLAIN_NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?$/;

/**
 * Reads `{"metric":LABELS,"value":[TIME,"VALUE"]},…`, the one form in which Prometheus and what imitates it write the
 * elements of a vector, without building the objects that JSON.parse would, which cost more than all that follows.
 *
 * What it looks for cannot stand inside a JSON string, where a quote is escaped; and since the labels before it must be
 * one JSON object, it is this element's own.
 *
 * @returns reads one text after the other, compact JSON with one character a byte, and says how far it came: to the end,
 *   or to where the first element begins that has another form
 */
export function elementReader(
  sets: LabelSets,
  take: (place: Place, time: number, value: number) => void,
): (text: string) => number {
  let last: Known | null = null;
  /** All elements of an answer have the same. */
  let timeText = ' ';
  let time = Number.NaN;

  /** @throws QueryFault when the value is no number */
  return (text) => {
    let from = 0;
    while (from < text.length) {
      if (!text.startsWith(METRIC, from)) return from;
      const known = sets.at(text, from + METRIC.length, VALUE, last);
      if (known === null) return from;
      const timeFrom = from + METRIC.length + known.text.length + VALUE.length;
      if (!text.startsWith(timeText, timeFrom)) {
        const written = text.slice(timeFrom, text.indexOf(',', timeFrom));
        if (!PLAIN_NUMBER.test(written)) return from;
        timeText = written;
        time = Number(written);
      }
      const valueFrom = timeFrom + timeText.length + 2;
      const end = text.indexOf('"', valueFrom);
      const next = end + 3;
      if (end === -1 || !text.startsWith(',"', valueFrom - 2) || !text.startsWith(']}', end + 1)) return from;
      if (next < text.length && text[next] !== ',') return from;
      const value = text.slice(valueFrom, end);
      if (value.includes('\\')) return from;
      take(known.place, time, floatOf(value));
      last = known;
      from = next + 1;
    }
    return text.length;
  };
}
