import { LoadTestError } from '../step.js';

/** One line of a CSV file that holds something. */
export interface Row {
  /** `FILE:LINE`, the line from 1. */
  readonly place: string;
  readonly cells: readonly string[];
}

/**
 * RFC 4180 as load generators write it: cells in double quotes may hold commas and doubled quotes, not line breaks.
 * Empty lines are left out.
 *
 * @throws LoadTestError for a quote that is not closed
 */
export function rowsOf(text: string, file: string): Row[] {
  const lines = text.replace(/^\uFEFF/, '').split(/\r\n|\n|\r/);
  return lines.flatMap((line, index) => {
    if (line.trim() === '') return [];
    const place = `${file}:${index + 1}`;
    return [{ place, cells: cellsOf(line, place) }];
  });
}

function cellsOf(line: string, place: string): string[] {
  const cells: string[] = [];
  const cell = /\s*(?:"((?:[^"]|"")*)"\s*|([^,"]*))(,|$)/y;
  for (;;) {
    const match = cell.exec(line);
    if (match === null)
      throw new LoadTestError(
        place,
        'a double quote that is not closed or in the wrong place',
        'check the file',
      );
    cells.push((match[1]?.replaceAll('""', '"') ?? match[2] ?? '').trim());
    if (match[3] === '') return cells;
  }
}

/** A row by its columns' names. */
export interface Cells {
  readonly place: string;
  /** Null for a column that is not there or a cell that is empty. */
  text(column: string): string | null;
  /** @throws LoadTestError for what is not a number ≥ 0 */
  optional(column: string): number | null;
  /** @throws LoadTestError for what is missing or not a number > 0 */
  positive(column: string): number;
}

/** @throws LoadTestError for a row of another width than the header's, and when there is no row at all */
export function tableOf(rows: readonly Row[], file: string): { columns: readonly string[]; body: Cells[] } {
  const [header, ...body] = rows;
  if (header === undefined)
    throw new LoadTestError(file, 'the file is empty', 'give the output of a load test');
  if (body.length === 0) throw new LoadTestError(file, 'there is a header and no row', 'let the test finish');
  return { columns: header.cells, body: body.map((row) => cellsByName(row, header.cells)) };
}

function cellsByName({ place, cells }: Row, columns: readonly string[]): Cells {
  if (cells.length !== columns.length)
    throw new LoadTestError(place, `${cells.length} cells`, `the header has ${columns.length} columns`);
  const text = (column: string) => {
    const cell = cells[columns.indexOf(column)] ?? '';
    return cell === '' ? null : cell;
  };
  const optional = (column: string) => {
    const cell = text(column);
    return cell === null ? null : numberIn(cell, `${column} is`, place);
  };
  return {
    place,
    text,
    optional,
    positive(column) {
      const value = optional(column);
      if (value !== null && value > 0) return value;
      throw new LoadTestError(
        place,
        `${column} is ${value === null ? 'empty' : '0'}`,
        'expected a number > 0',
      );
    },
  };
}

/**
 * A number ≥ 0; thousands may be set apart by commas, as genai-perf does.
 *
 * @param what opens the message, such as `p99 latency is`
 * @throws LoadTestError
 */
export function numberIn(cell: string, what: string, place: string): number {
  const plain = /^\d{1,3}(?:,\d{3})+(?:\.\d+)?$/.test(cell) ? cell.replaceAll(',', '') : cell;
  if (/^(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i.test(plain)) return Number(plain);
  throw new LoadTestError(place, `${what} "${cell.slice(0, 40)}"`, 'expected a number ≥ 0');
}
