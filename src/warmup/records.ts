import type { Store, Stored, Write } from './store/store.js';
import { ABSENT, StoreUnavailable } from './store/store.js';
import { readRecord, type WarmUpRecord } from './record.js';

export const WARM_UPS = 'warm-ups';
export const FLOORS = 'floors';
export const DEAD = 'dead';
export const ACCOUNTS = 'accounts';
export const POOLS = 'pools';
export const ledgerOf = (workload: string) => `ledger:${workload}`;

/** Writers that meet on one document: each lost race is one that somebody else won, so that few are lost in a row. */
const MOST_RACES = 50;

export interface Change<T> {
  readonly result: T;
  /** What takes the document's place; null drops it; left out, it stays. */
  readonly next?: WarmUpRecord | null;
  /** Written with it, or not at all. */
  readonly also?: readonly Write[];
}

/** Changes one warm-up: `decide` sees what is there, and is asked again when somebody else was quicker. */
export async function changeRecord<T>(
  store: Store,
  id: string,
  decide: (record: WarmUpRecord | null) => Change<T> | Promise<Change<T>>,
): Promise<T> {
  for (let race = 0; race < MOST_RACES; race += 1) {
    const stored = await store.read(WARM_UPS, id);
    const { result, next, also = [] } = await decide(stored === null ? null : readRecord(stored.value));
    const writes = [...recordWrites(id, stored, next), ...also];
    if (writes.length === 0 || (await store.commit(writes))) return result;
  }
  throw new StoreUnavailable(`warm-up ${id} was changed by others ${MOST_RACES} times in a row`);
}

function recordWrites(id: string, stored: Stored | null, next: WarmUpRecord | null | undefined): Write[] {
  const expect = stored?.revision ?? ABSENT;
  if (next === undefined || (next === null && stored === null)) return [];
  if (next === null) return [{ op: 'drop', in: WARM_UPS, id, expect }];
  return [{ op: 'put', in: WARM_UPS, id, value: JSON.stringify(next), expect }];
}

/** Changes any document the same way. */
export async function changeDocument<T>(
  store: Store,
  collection: string,
  id: string,
  decide: (text: string | null) => { readonly result: T; readonly next?: string },
): Promise<T> {
  for (let race = 0; race < MOST_RACES; race += 1) {
    const stored = await store.read(collection, id);
    const { result, next } = decide(stored?.value ?? null);
    if (next === undefined) return result;
    const expect = stored?.revision ?? ABSENT;
    if (await store.commit([{ op: 'put', in: collection, id, value: next, expect }])) return result;
  }
  throw new StoreUnavailable(`${collection} ${id} was changed by others ${MOST_RACES} times in a row`);
}
