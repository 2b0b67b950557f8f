import type { Profile } from '../policy/profile.js';
import { readLoadTest } from '../replay/calibrate/formats/read.js';
import { LoadTestError, type LoadTest, type Step } from '../replay/calibrate/step.js';
import { UsageError } from './command.js';
import { contents, type Flags } from './replay-inputs.js';

/** The load test in the files. @throws UsageError with file and line */
export function loadTestIn(files: readonly string[], profiles: readonly Profile[], flags: Flags): LoadTest {
  const texts = files.map((file) => ({ file, text: contents(file).toString('utf8') }));
  const names = profiles.map(({ name }) => name);
  return faultsAsUsage(() => readLoadTest(texts, names, concurrencies(flags)));
}

/** What is wrong with a file that somebody gave is wrong usage, and no failure of the work. */
export function faultsAsUsage<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof LoadTestError) throw new UsageError(error.message);
    throw error;
  }
}

/** perf_analyzer counts inferences; everything else here counts requests, which carry `batch` of them each. */
export function inRequests(test: LoadTest, batch: number): LoadTest {
  if (batch === 1) return test;
  const steps = test.steps.map((step): Step => ({ ...step, throughput: step.throughput / batch }));
  return { ...test, steps };
}

function concurrencies(flags: Flags): number[] | null {
  const value = flags['concurrency'];
  if (typeof value !== 'string') return null;
  const numbers = value.split(',').map((each) => Number(each.trim()));
  if (numbers.every((each) => Number.isFinite(each) && each > 0)) return numbers;
  throw new UsageError(
    `--concurrency: got "${value}", expected numbers such as 1,2,4 in the order of the files`,
  );
}
