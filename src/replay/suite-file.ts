import { z } from 'zod';
import type { Setup } from './setup.js';

/** A set of loads that cannot be read: what, where in the file, and what was expected. */
export class SuiteError extends Error {
  override readonly name = 'SuiteError';
}

const whole = (least: number) => {
  const expected = `a whole number ≥ ${least}`;
  return z.int(expected).min(least, expected);
};
const name = (of: string) => z.string(of).min(1, of);

/** The replica, its nodes and what is in time: a replay's setup. Times are whole seconds. */
const model = z.object(
  {
    slots: whole(1),
    serviceTime: whole(1),
    slo: whole(1),
    nodeProvision: whole(0),
    modelLoad: whole(0),
    nodeIdle: whole(0),
    gpusPerNode: whole(1),
    maxReplicas: whole(1),
    scrape: whole(1),
    lag: whole(0),
    scoreFrom: whole(0),
  },
  'the replica and its nodes',
) satisfies z.ZodType<Setup>;

/** Fields that are not here are the file's own affair. */
const entry = z.object(
  {
    trace: name('the name of a load'),
    startup: name('the name of a start-up'),
    class: name('the name of a class of loads').optional(),
    model,
    bound: z
      .record(
        z.string(),
        z.number('node-seconds > 0').positive('node-seconds > 0'),
        'node-seconds by share in time',
      )
      .optional(),
  },
  'a load with trace, startup and model',
);

/** One load of a set, with the deployment that serves it. */
export interface SuiteEntry {
  /** The load is in a file of this name. */
  readonly trace: string;
  /** What the start-up times are called. */
  readonly startup: string;
  /** Loads of a kind, compared by themselves; null: of none. */
  readonly class: string | null;
  readonly setup: Setup;
  /** The least node-seconds that serve 99 % in time; null: to be worked out. */
  readonly bound: number | null;
}

const suite = z.array(entry, 'an array of loads').min(1, 'at least one load');

/** The field of `bound` that is read, and the share that all of a set is measured by. */
export const SUITE_SHARE = 0.99;

/** @throws SuiteError */
export function parseSuite(text: string): SuiteEntry[] {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new SuiteError(`no JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
  const parsed = suite.safeParse(json);
  if (!parsed.success) throw new SuiteError(parsed.error.issues.map(inWords).join('\n'));
  const entries = parsed.data.map(({ trace, startup, class: kind, model: setup, bound }) => ({
    trace,
    startup,
    class: kind ?? null,
    setup,
    bound: bound?.[String(SUITE_SHARE)] ?? null,
  }));
  checkTwice(entries);
  return entries;
}

function inWords({ path, message }: z.core.$ZodIssue): string {
  const where = path.map((key, index) => {
    if (typeof key === 'number') return `[${key}]`;
    return index === 0 ? String(key) : `.${String(key)}`;
  });
  return `${where.length === 0 ? 'the file' : where.join('')}: expected ${message}`;
}

function checkTwice(entries: readonly SuiteEntry[]): void {
  const seen = new Map<string, number>();
  for (const [index, { trace, startup }] of entries.entries()) {
    const key = JSON.stringify([trace, startup]);
    const first = seen.get(key);
    if (first !== undefined)
      throw new SuiteError(
        `[${index}]: ${trace} with start-up ${startup} is [${first}] already; expected it once`,
      );
    seen.set(key, index);
  }
}

/**
 * The loads with one start-up whose names match.
 *
 * @param startup `all` for any
 * @throws SuiteError where there is none, with what there is
 */
export function chosenOf(entries: readonly SuiteEntry[], startup: string, only: RegExp | null): SuiteEntry[] {
  const started = entries.filter((each) => startup === 'all' || each.startup === startup);
  if (started.length === 0) {
    const known = [...new Set(entries.map((each) => each.startup))].join(', ');
    throw new SuiteError(`no load with start-up "${startup}"; expected ${known} or all`);
  }
  const chosen = started.filter(({ trace }) => only === null || only.test(trace));
  if (chosen.length > 0) return chosen;
  const known = [...new Set(started.map(({ trace }) => trace))].join(', ');
  throw new SuiteError(`no load matches /${only?.source ?? ''}/; expected some of ${known}`);
}
