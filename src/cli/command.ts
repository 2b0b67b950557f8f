import { parseArgs, type ParseArgsConfig } from 'node:util';
import { nearest } from '../policy/nearest.js';

/** 0 done; 1 the work failed or found faults; 2 wrong usage or configuration. */
export type ExitCode = 0 | 1 | 2;

export interface Command {
  readonly name: string;
  /** One line for the list of commands. */
  readonly summary: string;
  readonly usage: string;
  run(args: string[]): Promise<ExitCode>;
}

/** Wrong usage: the message is printed with a hint at `--help`, and the exit code is 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

type Options = NonNullable<ParseArgsConfig['options']>;
type Values = Record<string, string | boolean | (string | boolean)[] | undefined>;

/** `parseArgs`, with the nearest flag for a typo. @throws UsageError */
export function parsed(args: string[], options: Options): { values: Values; positionals: string[] } {
  try {
    const { values, positionals } = parseArgs({ args, options, allowPositionals: true, strict: true });
    return { values, positionals };
  } catch (error) {
    const message = error instanceof Error ? error.message.split('. ')[0] : String(error);
    const flag = /'(?:-\w, )?--([^' ]+)/.exec(message ?? '')?.[1];
    const near = flag === undefined || flag in options ? null : nearest(flag, Object.keys(options));
    throw new UsageError(`${message ?? ''}${near === null ? '' : `; did you mean --${near}?`}`);
  }
}

/** Why a file that somebody named could not be read. */
export function whyUnread(error: unknown): string {
  switch ((error as NodeJS.ErrnoException).code ?? '') {
    case 'ENOENT':
      return 'no such file';
    case 'EISDIR':
      return 'it is a folder; expected a file';
    case 'EACCES':
      return 'no right to read it';
    default:
      return error instanceof Error ? error.message : String(error);
  }
}

export function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

export function complain(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** Columns as wide as their longest cell, two spaces apart; the last is left as it is. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => (row[column] ?? '').length)),
  );
  return rows
    .map((row) =>
      row
        .map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(widths[column] ?? 0)))
        .join('  '),
    )
    .join('\n');
}
