import type { Millis } from '../core/time.js';
import type { Clock } from '../ports/clock.js';
import type { Limits } from './limits.js';
import type { Log } from './log.js';
import { readFloor, readRecord, type WarmUpRecord } from './record.js';
import { ACCOUNTS, FLOORS, WARM_UPS } from './records.js';
import type { Jobs } from './queue/jobs.js';
import { StoreUnavailable, type Store, type Write } from './store/store.js';

/** An alarm clock may ring this late on its own. */
const SLACK: Millis = 1000;

export interface SweepParts {
  readonly store: Store;
  readonly jobs: Jobs;
  readonly clock: Clock;
  readonly limits: Limits;
  readonly log: Log;
  readonly process: string;
}

/**
 * Makes good what a crash between two writes, a jumping clock or a store that lost its last second left behind: a
 * warm-up without an alarm clock, one whose alarm clock is set for later than it should be, floors and accounts of
 * nothing. One process at a time does it. Never rejects.
 */
export async function sweep(parts: SweepParts): Promise<void> {
  const { store, limits, process, log } = parts;
  try {
    if (!(await store.lease('sweep', process, limits.sweep * 2))) return;
    await dropTraces(parts, FLOORS, (text, now) => (readFloor(text)?.until ?? 0) <= now);
    await dropTraces(parts, ACCOUNTS, () => false);
    await setAlarmClocks(parts);
  } catch (error) {
    if (!(error instanceof StoreUnavailable))
      log.error({ why: (error as Error).message }, 'the sweep of warm-ups failed');
    // While the store is away there is nothing to be swept, and the board says so.
  }
}

/** What belongs to no warm-up, or is over. */
async function dropTraces(
  { store, clock }: SweepParts,
  collection: string,
  isOver: (text: string, now: Millis) => boolean,
): Promise<void> {
  // Traces first: of a warm-up that comes in between, none has been seen.
  const traces = await store.list(collection);
  if (traces.size === 0) return;
  const records = await store.list(WARM_UPS);
  const now = clock.now();
  for (const [id, { value, revision }] of traces) {
    if (records.has(id) && !isOver(value, now)) continue;
    const write: Write = { op: 'drop', in: collection, id, expect: revision };
    await store.commit([write]); // changed in between: the next sweep looks again
  }
}

async function setAlarmClocks({ store, jobs, clock, log }: SweepParts): Promise<void> {
  const records = await store.list(WARM_UPS);
  if (records.size === 0) return;
  const { set, ringing } = await jobs.all();
  const now = clock.now();
  for (const [id, { value }] of records) {
    const record = readRecord(value);
    if (record === null || ringing.has(id)) continue;
    const at = dueNow(record, set.has(id), now);
    if (at === null) continue;
    log.info({ warmUp: id, phase: record.phase }, 'the alarm clock of a warm-up is set anew');
    await jobs.set(id, at);
  }
}

/** When an alarm clock is to be set for, if it has to be. */
function dueNow({ wakeAt }: WarmUpRecord, isSet: boolean, now: Millis): Millis | null {
  if (!isSet) return wakeAt ?? now;
  return wakeAt !== null && wakeAt + SLACK <= now ? now : null;
}
