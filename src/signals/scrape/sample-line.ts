import type { Millis } from '../../core/time.js';
import {
  BRACE_CLOSE,
  BRACE_OPEN,
  COMMA,
  EQUALS,
  HASH,
  LineFault,
  QUOTE,
  endsInNumber,
  isBlank,
  peek,
  readName,
  readQuoted,
  readToken,
  skipBlanks,
  type Cursor,
} from './cursor.js';

/** `prometheus`: text format 0.0.4. `openmetrics`: OpenMetrics 1.0 text, whose timestamps are seconds. */
export type ExpositionFormat = 'prometheus' | 'openmetrics';

export interface ExpositionSample {
  /** As printed, with `_total`, `_sum`, `_count` or `_bucket`. */
  readonly name: string;
  /** Unescaped values. A label may be present and empty. */
  readonly labels: ReadonlyMap<string, string>;
  /** May be NaN or infinite: summaries of Triton print `Nan` after an idle minute. */
  readonly value: number;
  /** The sample's own timestamp, where its line carries one. An exemplar's is not the sample's. */
  readonly timestamp: Millis | null;
  /** Name and labels in one canonical spelling: tells series apart, and finds them again in the next scrape. */
  readonly series: string;
}

/** What the lines of one page are read with. */
export interface LineContext {
  readonly format: ExpositionFormat;
  readonly wanted: (name: string) => boolean;
  /** Makes a string fit to outlive the page. */
  readonly keep: (text: string) => string;
}

/** Wider than the widest label sets in use, a GPU's with all the labels of its pod. */
export const MAX_LABELS = 128;

/**
 * Reads one sample line whole, or skips it when its name is not wanted. Single pass, no backtracking.
 *
 * Both formats are read by one grammar, the union of theirs: an exemplar or a run of blanks cannot mean anything else
 * in the format that does not have it. Only the timestamp's unit differs.
 *
 * @returns null when the name is not wanted
 * @throws LineFault where the line is not a sample
 */
export function readSample(cursor: Cursor, { format, wanted, keep }: LineContext): ExpositionSample | null {
  const bare = readName(cursor, true);
  if (bare !== '' && peek(cursor) !== BRACE_OPEN && !isBlank(peek(cursor)))
    throw new LineFault('"{" or a blank after the metric name', cursor.at);
  if (bare !== '' && !wanted(bare)) return skipped(cursor);
  skipBlanks(cursor);
  const labels = new Map<string, string>();
  const quoted = peek(cursor) === BRACE_OPEN ? readLabels(cursor, labels, keep, bare === '') : '';
  const name = bare === '' ? quoted : bare;
  if (name === '') throw new LineFault('a metric name', cursor.at);
  if (bare === '' && !wanted(name)) return null;
  const value = readValue(cursor);
  const timestamp = cursor.at < cursor.end && peek(cursor) !== HASH ? readTimestamp(cursor, format) : null;
  if (peek(cursor) === HASH) skipExemplar(cursor);
  if (cursor.at < cursor.end) throw new LineFault('the end of the line', cursor.at);
  const kept = keep(name);
  return { name: kept, labels, value, timestamp, series: seriesKey(kept, labels) };
}

/** The canonical spelling of a series: labels by name, empty ones kept. */
export function seriesKey(name: string, labels: ReadonlyMap<string, string>): string {
  const parts = [/^[\w:]+$/.test(name) ? name : JSON.stringify(name)];
  for (const label of [...labels.keys()].sort()) parts.push(label, JSON.stringify(labels.get(label)));
  return parts.join(' ');
}

/**
 * A line of no interest is looked at from both ends only: that a name begins it, and that a number may end it. That
 * is cheap, and enough to tell an exposition from a page of prose or HTML, where "the metric is absent" would be
 * taken for "nothing is queued".
 */
function skipped(cursor: Cursor): null {
  if (!endsInNumber(cursor)) throw new LineFault('a number at the end of the line', cursor.end - 1);
  return null;
}

/** @returns the metric's quoted name, which names outside the classic alphabet put inside the braces; else empty */
function readLabels(
  cursor: Cursor,
  labels: Map<string, string>,
  keep: (text: string) => string,
  nameInside: boolean,
): string {
  let name = '';
  do {
    cursor.at += 1; // the brace or the comma
    skipBlanks(cursor);
    if (peek(cursor) === BRACE_CLOSE) break; // also after a trailing comma
    const quoted = peek(cursor) === QUOTE;
    const { at } = cursor;
    const key = quoted ? readQuoted(cursor) : readName(cursor, false);
    if (key === '') throw new LineFault('a label name or "}"', at);
    skipBlanks(cursor);
    if (quoted && nameInside && name === '' && peek(cursor) !== EQUALS) name = key;
    else addLabel(labels, keep(key), keep(readLabelValue(cursor)), at);
    skipBlanks(cursor);
  } while (peek(cursor) === COMMA);
  if (peek(cursor) !== BRACE_CLOSE) throw new LineFault('"," or "}" after a label', cursor.at);
  cursor.at += 1;
  skipBlanks(cursor);
  return name;
}

function readLabelValue(cursor: Cursor): string {
  if (peek(cursor) !== EQUALS) throw new LineFault('"=" after the label name', cursor.at);
  cursor.at += 1;
  skipBlanks(cursor);
  if (peek(cursor) !== QUOTE) throw new LineFault('a label value in double quotes', cursor.at);
  return readQuoted(cursor);
}

function addLabel(labels: Map<string, string>, key: string, value: string, at: number): void {
  if (labels.has(key)) throw new LineFault('each label once', at);
  if (labels.size === MAX_LABELS) throw new LineFault(`at most ${MAX_LABELS} labels`, at);
  labels.set(key, value);
}

function readValue(cursor: Cursor): number {
  skipBlanks(cursor);
  const { at } = cursor;
  const value = parseValue(readToken(cursor));
  if (value === null) throw new LineFault('a value: a decimal number, NaN, +Inf or -Inf', at);
  return value;
}

function readTimestamp(cursor: Cursor, format: ExpositionFormat): Millis {
  const { at } = cursor;
  const token = readToken(cursor);
  const stamp = parseValue(token);
  if (format === 'openmetrics') {
    if (stamp === null || !Number.isFinite(stamp)) throw new LineFault('a timestamp in seconds', at);
    return stamp * 1000;
  }
  if (stamp === null || !/^-?\d+$/.test(token)) throw new LineFault('a timestamp in whole milliseconds', at);
  return stamp;
}

/** `# {trace_id="…"} 0.67 1.7e9`: checked, since a line is read whole or not at all, and left behind. */
function skipExemplar(cursor: Cursor): void {
  cursor.at += 1;
  skipBlanks(cursor);
  if (peek(cursor) !== BRACE_OPEN) throw new LineFault('the labels of an exemplar after "#"', cursor.at);
  readLabels(cursor, new Map(), (text) => text, false);
  readValue(cursor);
  if (cursor.at < cursor.end) readTimestamp(cursor, 'openmetrics');
}

/**
 * The formats' numbers: decimal, or NaN and the infinities in any case, in the spellings that Go's parser takes.
 * `Number` alone will not do: `Number('+Inf')` is NaN, `Number('')` is 0, `Number('0x10')` is 16.
 */
export function parseValue(token: string): number | null {
  if (/^[-+.\deE]+$/.test(token)) {
    const value = Number(token);
    return Number.isNaN(value) ? null : value;
  }
  const word = /^([-+]?)(nan|inf|infinity)$/i.exec(token);
  if (word === null) return null;
  if (word[2]?.toLowerCase() === 'nan') return Number.NaN;
  return word[1] === '-' ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
}
