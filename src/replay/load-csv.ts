import type { Load } from './load.js';

/** A recording that cannot be replayed: where it is wrong, what was there, and what to do. */
export class LoadError extends Error {
  override readonly name = 'LoadError';
  /** From 1; the header is line 1. */
  readonly line: number;

  constructor(line: number, found: string, remedy: string) {
    super(`line ${line}: ${found}; ${remedy}`);
    this.line = line;
  }
}

const COLUMNS = ['t_seconds', 'requests', 'input_tokens', 'output_tokens'] as const;
type Column = (typeof COLUMNS)[number];

/** Longer is a recording that counts from the Unix epoch instead of its own start. */
const MAX_SECONDS = 400 * 86_400;
const HEADER = 't_seconds,requests[,input_tokens,output_tokens]';

/** The columns while they are read, in the file's order, with room for the rows to come. */
interface Table {
  readonly columns: readonly Column[];
  readonly values: readonly Float64Array[];
  /** The place of `t_seconds`. */
  readonly time: number;
  rows: number;
}

/**
 * Reads `t_seconds,requests[,input_tokens,output_tokens]`: columns in any order, one row for each second that had
 * requests, whole numbers. A last row with 0 requests says how long the recording is.
 *
 * @throws LoadError with the line, for anything that would make a replay quietly wrong
 */
export function parseLoad(csv: string): Load {
  const text = csv.startsWith('\uFEFF') ? csv.slice(1) : csv;
  if (text.trim() === '')
    throw new LoadError(1, 'the file is empty', `it needs the header ${HEADER} and rows`);
  const headerEnd = lineEnd(text, 0);
  const table = emptyTable(readHeader(lineOf(text, 0, headerEnd)), text.length - headerEnd);
  readRows(text, headerEnd + 1, table);
  return loadFrom(table);
}

function lineEnd(text: string, from: number): number {
  const end = text.indexOf('\n', from);
  return end === -1 ? text.length : end;
}

function lineOf(text: string, from: number, end: number): string {
  return text.slice(from, text.charAt(end - 1) === '\r' ? end - 1 : end);
}

function readHeader(line: string): Column[] {
  const names = line.split(',').map((name) => name.trim());
  const columns = names.map((name) => {
    const column = COLUMNS.find((known) => known === name);
    if (column === undefined) throw unknownColumn(name);
    return column;
  });
  const repeated = columns.find((column, index) => columns.indexOf(column) !== index);
  if (repeated !== undefined) throw new LoadError(1, `column "${repeated}" is there twice`, 'keep one');
  for (const required of ['t_seconds', 'requests'] as const) {
    if (!columns.includes(required)) {
      throw new LoadError(1, `column "${required}" is missing`, `the header is ${HEADER}`);
    }
  }
  return columns;
}

function unknownColumn(name: string): LoadError {
  const isNumber = name !== '' && Number.isFinite(Number(name));
  return isNumber
    ? new LoadError(1, `found "${name}" where the header should be`, `put ${HEADER} on the first line`)
    : new LoadError(1, `unknown column "${name}"`, `the header is ${HEADER}`);
}

/** @param characters of all rows; a row has a digit and a comma, or a line's end, for each column */
function emptyTable(columns: readonly Column[], characters: number): Table {
  const most = Math.ceil(characters / (2 * columns.length)) + 1;
  return {
    columns,
    values: columns.map(() => new Float64Array(most)),
    time: columns.indexOf('t_seconds'),
    rows: 0,
  };
}

function readRows(text: string, from: number, table: Table): void {
  const times = table.values[table.time];
  let before = -1;
  for (let start = from; start < text.length;) {
    const lineNumber = table.rows + 2;
    let next = readPlainRow(text, start, table);
    if (next === null) {
      const end = lineEnd(text, start);
      const line = lineOf(text, start, end);
      if (line.trim() === '') {
        if (text.slice(end).trim() === '') break;
        throw new LoadError(lineNumber, 'the line is empty', 'remove it');
      }
      readRow(line, lineNumber, table);
      next = end + 1;
    }
    before = checkedTime(times?.[table.rows] ?? 0, before, lineNumber);
    table.rows += 1;
    start = next;
  }
  if (before === -1) throw new LoadError(2, 'there is no row', 'a load needs at least one second');
}

const [ZERO, COMMA, LINE_FEED, RETURN] = [48, 44, 10, 13] as const;

/**
 * Reads a row of nothing but digits and commas, as they nearly all are, without taking the text apart: a million rows in
 * 50 ms instead of 600.
 *
 * @returns where the next row starts; null for a row that needs a closer look
 */
function readPlainRow(text: string, start: number, { values, rows }: Table): number | null {
  let at = start;
  for (let index = 0; index < values.length; index += 1) {
    const first = at;
    let value = 0;
    for (;;) {
      const digit = text.charCodeAt(at) - ZERO;
      if (!(digit >= 0 && digit <= 9)) break;
      value = value * 10 + digit;
      at += 1;
    }
    if (at === first || at - first > MOST_DIGITS) return null;
    const isLast = index === values.length - 1;
    if (isLast && text.charCodeAt(at) === RETURN) at += 1;
    if (text.charCodeAt(at) !== (isLast ? LINE_FEED : COMMA)) return null;
    at += 1;
    const column = values[index];
    if (column !== undefined) column[rows] = value;
  }
  return at;
}

function readRow(line: string, lineNumber: number, { columns, values, rows }: Table): void {
  const fields = line.split(',');
  if (fields.length !== columns.length) {
    const remedy = `the header has ${columns.length} columns: ${columns.join(',')}`;
    throw new LoadError(lineNumber, `the row has ${fields.length} fields`, remedy);
  }
  for (const [index, column] of columns.entries()) {
    const value = wholeNumber(fields[index] ?? '', column, lineNumber);
    values[index]?.fill(value, rows, rows + 1);
  }
}

/** All whole numbers of so many digits are exact. */
const MOST_DIGITS = 15;
const WHOLE_NUMBER = /^\d{1,15}$/;

function wholeNumber(field: string, column: Column, lineNumber: number): number {
  const text = field.trim();
  const value = WHOLE_NUMBER.test(text) ? Number(text) : Number.NaN;
  if (Number.isNaN(value)) {
    const what = column === 't_seconds' ? 'whole seconds since the start' : 'a whole number of them';
    throw new LoadError(lineNumber, `${column} is "${text}"`, `expected ${what}, 0 or more`);
  }
  return value;
}

function checkedTime(t: number, before: number, lineNumber: number): number {
  if (t === before) {
    throw new LoadError(
      lineNumber,
      `second ${t} is there twice`,
      'add up the requests of a second in one row',
    );
  }
  if (t < before) {
    throw new LoadError(lineNumber, `time goes back from ${before} to ${t}`, 'sort the rows by t_seconds');
  }
  if (t >= MAX_SECONDS) {
    const remedy = 'count the seconds from the start of the recording, at most 400 days';
    throw new LoadError(lineNumber, `t_seconds is ${t}`, remedy);
  }
  return t;
}

function loadFrom({ columns, values, rows }: Table): Load {
  const column = (name: Column) => values[columns.indexOf(name)]?.slice(0, rows) ?? null;
  const at = column('t_seconds') ?? new Float64Array(0);
  return {
    seconds: (at.at(-1) ?? -1) + 1,
    at,
    requests: column('requests') ?? new Float64Array(0),
    inputTokens: column('input_tokens'),
    outputTokens: column('output_tokens'),
  };
}
