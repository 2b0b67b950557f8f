import type { Millis } from '../core/time.js';
import type { Limits } from './limits.js';
import { changeDocument, POOLS } from './records.js';
import type { Store } from './store/store.js';

/** When each warm-up of a pool may begin, or began: in order of time. */
export type Reservations = readonly (readonly [id: string, at: Millis])[];

/**
 * The moment at which a warm-up may begin: now, or when the window before it has room. In any window of a minute at most
 * `most` begin: with 2 a minute and three that ask at 0 s, they begin at 0, 0 and 60 s. Asked again, the answer is the
 * same, so that each has its place and they do not crowd at the window's end.
 */
export function reserve(
  held: Reservations,
  id: string,
  now: Millis,
  { most, window }: { readonly most: number; readonly window: Millis },
): { readonly at: Millis; readonly reservations: Reservations } {
  // A clock that was set back must not leave reservations for a far future: there is no honest one behind this.
  const furthest = now + window * (Math.floor(held.length / most) + 1);
  const valid = held.filter(([, at]) => at > now - window && at <= furthest);
  const own = valid.find(([each]) => each === id);
  if (own !== undefined) return { at: own[1], reservations: valid };
  const before = valid.at(-most);
  const at = valid.length < most || before === undefined ? now : Math.max(now, before[1] + window);
  const reservations = [...valid, [id, at] as const].toSorted((a, b) => a[1] - b[1]);
  return { at, reservations };
}

/** The rate at which warm-ups of one node pool begin, over all scaler replicas. */
export class Pools {
  readonly #store: Store;
  readonly #limits: Limits;
  /** One at a time from this process: they would all lose against each other. */
  readonly #last = new Map<string, Promise<unknown>>();

  constructor(store: Store, limits: Limits) {
    this.#store = store;
    this.#limits = limits;
  }

  /** When the warm-up may begin. */
  admit(pool: string, id: string, now: Millis): Promise<Millis> {
    const { begunPerWindow: most, window } = this.#limits;
    return this.#inTurn(pool, () =>
      changeDocument(this.#store, POOLS, pool, (text) => {
        const { at, reservations } = reserve(reservationsIn(text), id, now, { most, window });
        return { result: at, next: JSON.stringify(reservations) };
      }),
    );
  }

  #inTurn<T>(pool: string, work: () => Promise<T>): Promise<T> {
    const turn = (this.#last.get(pool) ?? Promise.resolve()).then(work, work);
    const settled = turn.catch(() => undefined);
    this.#last.set(pool, settled);
    void settled.then(() => {
      if (this.#last.get(pool) === settled) this.#last.delete(pool);
    });
    return turn;
  }
}

function reservationsIn(text: string | null): Reservations {
  try {
    const held = JSON.parse(text ?? '[]') as unknown;
    return Array.isArray(held) ? (held as Reservations) : [];
  } catch {
    return []; // a damaged list only forgets who began in the last minute
  }
}
