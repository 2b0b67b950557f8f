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

/** The values of each column while they are read; a column that the file does not have stays null. */
type Table = Record<Column, number[] | null>;

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
  const columns = readHeader(lineOf(text, 0, headerEnd));
  const table = emptyTable(columns);
  readRows(text, headerEnd + 1, columns, table);
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

function emptyTable(columns: readonly Column[]): Table {
  const column = (name: Column) => (columns.includes(name) ? [] : null);
  return {
    t_seconds: column('t_seconds'),
    requests: column('requests'),
    input_tokens: column('input_tokens'),
    output_tokens: column('output_tokens'),
  };
}

function readRows(text: string, from: number, columns: readonly Column[], table: Table): void {
  let before = -1;
  let lineNumber = 1;
  for (let start = from; start < text.length;) {
    lineNumber += 1;
    const end = lineEnd(text, start);
    const line = lineOf(text, start, end);
    start = end + 1;
    if (line.trim() === '') {
      if (text.slice(end).trim() === '') break;
      throw new LoadError(lineNumber, 'the line is empty', 'remove it');
    }
    readRow(line, lineNumber, columns, table);
    before = checkedTime(table.t_seconds?.at(-1) ?? 0, before, lineNumber);
  }
  if (before === -1) throw new LoadError(2, 'there is no row', 'a load needs at least one second');
}

function readRow(line: string, lineNumber: number, columns: readonly Column[], table: Table): void {
  const fields = line.split(',');
  if (fields.length !== columns.length) {
    const remedy = `the header has ${columns.length} columns: ${columns.join(',')}`;
    throw new LoadError(lineNumber, `the row has ${fields.length} fields`, remedy);
  }
  for (const [index, column] of columns.entries()) {
    table[column]?.push(wholeNumber(fields[index] ?? '', column, lineNumber));
  }
}

function wholeNumber(field: string, column: Column, lineNumber: number): number {
  const text = field.trim();
  const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
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

function loadFrom(table: Table): Load {
  const at = Float64Array.from(table.t_seconds ?? []);
  return {
    seconds: (at.at(-1) ?? -1) + 1,
    at,
    requests: Float64Array.from(table.requests ?? []),
    inputTokens: table.input_tokens === null ? null : Float64Array.from(table.input_tokens),
    outputTokens: table.output_tokens === null ? null : Float64Array.from(table.output_tokens),
  };
}
