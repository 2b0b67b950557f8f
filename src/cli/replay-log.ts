import { createReadStream } from 'node:fs';
import { pipeline, type Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { LogError, redecider, type Difference } from '../replay/pilotlight/log.js';
import { print, UsageError, type ExitCode } from './command.js';
import { linesOf } from './lines.js';

/** A step of a thousand pods is some 200 kB. */
const LONGEST_STEP = 64 * 1024 * 1024;

interface Outcome {
  readonly file: string;
  readonly steps: number;
  readonly difference: (Difference & { readonly line: number }) | null;
}

/**
 * `replay --log`: every step of a decision log decided again. 1 at the first that differs.
 *
 * @throws UsageError for a file that is no decision log
 */
export async function replayLog(file: string, json: boolean): Promise<ExitCode> {
  const outcome = await redecided(file);
  print(json ? JSON.stringify(outcome, null, 2) : inText(outcome));
  return outcome.difference === null ? 0 : 1;
}

async function redecided(file: string): Promise<Outcome> {
  const decideAgain = redecider();
  let line = 0;
  let steps = 0;
  try {
    for await (const lines of linesOf(opened(file), LONGEST_STEP)) {
      for (const text of lines) {
        line += 1;
        if (text === '') continue;
        const difference = decideAgain(text);
        steps += 1;
        if (difference !== null) return { file, steps, difference: { line, ...difference } };
      }
    }
  } catch (error) {
    if (error instanceof LogError) throw new UsageError(`${file}:${line}: ${error.message}`);
    throw new UsageError(`${file}: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (steps === 0) throw new UsageError(`${file}: no step; serve --decision-log FILE writes them`);
  return { file, steps, difference: null };
}

function opened(file: string): Readable {
  const bytes = createReadStream(file);
  return file.endsWith('.gz') ? pipeline(bytes, createGunzip(), () => undefined) : bytes;
}

function inText({ file, steps, difference }: Outcome): string {
  if (difference === null) return `${file}: ${steps} steps, all decided as they were`;
  const { line, trigger, field, logged, decided } = difference;
  return [
    `${file}:${line}: ${trigger} is decided otherwise: ${field}`,
    `    logged:  ${logged ?? 'not there'}`,
    `    decided: ${decided ?? 'not there'}`,
  ].join('\n');
}
