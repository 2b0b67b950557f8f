import type { Load } from '../replay/load.js';
import type { SuiteEntry } from '../replay/suite-file.js';
import { runOn, type SuiteOutcome, type SuiteRun } from '../replay/suite-run.js';
import { UsageError } from './command.js';
import { loadFrom } from './replay-inputs.js';

/** One run for a process: the load's file, its deployment, and what is run. */
export interface SuiteOrder {
  readonly file: string;
  readonly entry: SuiteEntry;
  readonly run: SuiteRun;
}

export type SuiteAnswer =
  | { readonly kind: 'ran'; readonly outcome: SuiteOutcome }
  /** The load's file is wrong: where, and what was expected. */
  | { readonly kind: 'unusable'; readonly why: string };

/** Runs orders one after the other, and reads a load once as long as it is asked for in a row. */
export function suiteRunner(): (order: SuiteOrder) => SuiteAnswer {
  let last: { readonly file: string; readonly load: Load } | null = null;
  return ({ file, entry, run }) => {
    try {
      if (last?.file !== file) last = { file, load: loadFrom(file) };
    } catch (error) {
      if (error instanceof UsageError) return { kind: 'unusable', why: error.message };
      throw error;
    }
    const { scoreFrom } = entry.setup;
    const { seconds } = last.load;
    if (scoreFrom >= seconds) {
      const why = `${file}: the load ends after ${seconds} s, before the score begins; expected scoreFrom below it, not ${scoreFrom}`;
      return { kind: 'unusable', why };
    }
    const { nodeSeconds, attainment } = runOn(last.load, entry, run);
    return { kind: 'ran', outcome: { nodeSeconds, attainment } };
  };
}
