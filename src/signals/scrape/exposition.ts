import { HASH, LineFault, isBlank, readToken, skipBlanks, type Cursor } from './cursor.js';
import { readSample, type ExpositionFormat, type ExpositionSample, type LineContext } from './sample-line.js';

const TYPES = [
  'counter',
  'gauge',
  'histogram',
  'summary',
  'untyped',
  'unknown',
  'info',
  'stateset',
  'gaugehistogram',
] as const;
export type MetricType = (typeof TYPES)[number];

export type ParsedExposition =
  | {
      readonly kind: 'page';
      /** In the page's order, each series once. */
      readonly samples: readonly ExpositionSample[];
      /** By family: `_total`, `_bucket` and the like belong to the name without it. */
      readonly types: ReadonlyMap<string, MetricType>;
      /** Lines whose series had been there before; the first stands, as in Prometheus. */
      readonly duplicates: number;
    }
  /** Nothing of a page that breaks off or is broken is data. `why` says what was expected, and nothing of the page. */
  | { readonly kind: 'malformed'; readonly line: number; readonly why: string };

export interface ReadOptions {
  readonly format?: ExpositionFormat;
  /** Only these names are parsed; other lines are passed over. All, when left out. */
  readonly wanted?: (name: string) => boolean;
  /** Characters of a line; 65 536 by default. */
  readonly maxLine?: number;
  /** Wanted series of the page; unlimited by default. */
  readonly maxSamples?: number;
}

export interface ExpositionReader {
  /** Takes the next piece of the page, cut anywhere. False when the page is malformed and the rest is of no use. */
  push(text: string): boolean;
  end(): ParsedExposition;
}

/** Reads a page that is already whole. Never throws. */
export function parseExposition(text: string, options: ReadOptions = {}): ParsedExposition {
  const reader = createExpositionReader(options);
  reader.push(text);
  return reader.end();
}

/**
 * Reads a page while it arrives, so that a large one needs neither the memory of its text nor a long stretch of the
 * event loop. Never throws; work is linear in the text.
 */
export function createExpositionReader(options: ReadOptions = {}): ExpositionReader {
  const page = openPage(options);
  /** Pieces of a line whose end has not come: joined once, so that a line that trickles in is not copied each time. */
  let unfinished: string[] = [];
  let unfinishedLength = 0;

  function push(text: string): boolean {
    let start = 0;
    for (;;) {
      if (page.malformed !== null) return false;
      const newline = text.indexOf('\n', start);
      const stop = newline === -1 ? text.length : newline;
      if (unfinishedLength + stop - start > page.maxLine) return tooLong(page);
      if (newline === -1) break;
      if (unfinishedLength === 0) readLine(page, text, start, stop);
      else finishLine(text.slice(0, stop));
      start = newline + 1;
    }
    if (start === text.length) return true;
    unfinished.push(start === 0 ? text : text.slice(start));
    unfinishedLength += text.length - start;
    return true;
  }

  function finishLine(rest: string): void {
    const line = [...unfinished, rest].join('');
    unfinished = [];
    unfinishedLength = 0;
    readLine(page, line, 0, line.length);
  }

  function end(): ParsedExposition {
    // Prometheus too takes a last line without its line feed: a page that breaks off shows in the transfer.
    if (page.malformed === null && unfinishedLength > 0) finishLine('');
    if (page.malformed !== null) return page.malformed;
    if (page.format === 'openmetrics' && !page.eof)
      return { kind: 'malformed', line: page.line + 1, why: 'expected "# EOF" at the end' };
    return { kind: 'page', samples: page.samples, types: page.types, duplicates: page.duplicates };
  }

  return { push, end };
}

interface OpenPage extends Required<ReadOptions> {
  line: number;
  eof: boolean;
  malformed: Extract<ParsedExposition, { kind: 'malformed' }> | null;
  duplicates: number;
  readonly samples: ExpositionSample[];
  readonly seen: Set<string>;
  readonly types: Map<string, MetricType>;
  readonly keep: LineContext['keep'];
}

function openPage(options: ReadOptions): OpenPage {
  return {
    format: options.format ?? 'prometheus',
    wanted: options.wanted ?? (() => true),
    maxLine: options.maxLine ?? 65_536,
    maxSamples: options.maxSamples ?? Number.POSITIVE_INFINITY,
    line: 0,
    eof: false,
    malformed: null,
    duplicates: 0,
    samples: [],
    seen: new Set(),
    types: new Map(),
    keep: createKeep(),
  };
}

/**
 * V8 cuts a slice of 13 or more characters as a view that keeps the whole chunk of the page alive. A sample outlives
 * its page by minutes, so it takes a copy (slicing a concatenation writes it out first), and lines that repeat a name
 * or a value share one.
 */
function createKeep(): (text: string) => string {
  const kept = new Map<string, string>();
  return (text) => {
    const known = kept.get(text);
    if (known !== undefined) return known;
    const copy = ` ${text}`.slice(1);
    kept.set(copy, copy);
    return copy;
  };
}

function tooLong(page: OpenPage): false {
  page.malformed = {
    kind: 'malformed',
    line: page.line + 1,
    why: `expected lines of at most ${page.maxLine} characters`,
  };
  return false;
}

function readLine(page: OpenPage, text: string, from: number, to: number): void {
  page.line += 1;
  const cursor = { text, at: from, end: trimmedEnd(text, from, to) };
  skipBlanks(cursor);
  if (cursor.at === cursor.end) return;
  try {
    if (page.eof) throw new LineFault('nothing after "# EOF"', cursor.at);
    if (text.charCodeAt(cursor.at) === HASH) readComment(page, cursor);
    else addSample(page, cursor);
  } catch (error) {
    if (!(error instanceof LineFault)) throw error;
    const column = error.at - from + 1;
    page.malformed = {
      kind: 'malformed',
      line: page.line,
      why: `expected ${error.message} at column ${column}`,
    };
  }
}

function addSample(page: OpenPage, cursor: Cursor): void {
  const start = cursor.at;
  const sample = readSample(cursor, page);
  if (sample === null) return;
  if (page.seen.has(sample.series)) {
    page.duplicates += 1;
    return;
  }
  if (page.samples.length === page.maxSamples)
    throw new LineFault(`at most ${page.maxSamples} series of the names asked for`, start);
  page.seen.add(sample.series);
  page.samples.push(sample);
}

/** `# TYPE` is checked as Prometheus checks it; HELP, UNIT and free comments are passed over. */
function readComment(page: OpenPage, cursor: Cursor): void {
  cursor.at += 1;
  if (!isBlank(cursor.text.charCodeAt(cursor.at))) return;
  const keyword = readToken(cursor);
  if (keyword === 'EOF' && page.format === 'openmetrics') page.eof = cursor.at === cursor.end;
  if (keyword !== 'TYPE') return;
  const family = readToken(cursor);
  const type = TYPES.find((known) => known === cursor.text.slice(cursor.at, cursor.end));
  if (type === undefined) throw new LineFault('a metric type such as counter or gauge', cursor.at);
  page.types.set(family, type);
}

/** Blanks at the end, and the carriage return of a server that ends its lines with CRLF. */
function trimmedEnd(text: string, from: number, to: number): number {
  let end = to;
  while (end > from && (isBlank(text.charCodeAt(end - 1)) || text.charCodeAt(end - 1) === 13)) end -= 1;
  return end;
}
