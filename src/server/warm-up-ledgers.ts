import type { Millis } from '../core/time.js';
import type { Ledger, LedgerRecord } from '../ports/ledger.js';
import { leadTimesOf } from '../warmup/ledger/lead-times.js';
import type { Workload } from './workload.js';

/** Fewer warm-ups say too little: one slow node would be the rule. */
const LEAST_SAMPLES = 3;
/** Workloads whose ledgers are read in one round: after a start of the server all of them are to be read. */
const MOST_READ = 50;

/** `namespace/name`, under which what people ask for stands. */
export function orderedAs({ namespace, name }: Pick<Workload, 'namespace' | 'name'>): string {
  return `${namespace}/${name}`;
}

/** One warm-up's line in the ledger: an id comes again, as with the next wake of a ScaledObject. */
export function lineKey(id: string, plannedAt: Millis): string {
  return `${id}.${plannedAt}`;
}

/** Lead times as the ledgers have them, and the warm-ups that ended since the last look. */
export class Ledgers {
  readonly #ledger: Ledger;
  readonly #onEnded: (record: LedgerRecord) => void;
  /** The `lineKey`s of those that had begun at the last look, by workload. */
  #begun = new Map<string, Set<string>>();
  readonly #learned = new WeakMap<Workload, Millis | null>();

  constructor(ledger: Ledger, onEnded: (record: LedgerRecord) => void) {
    this.#ledger = ledger;
    this.#onEnded = onEnded;
  }

  /** The p90 of the last warm-ups, from lifting the floor until all was ready; null while too few were seen. */
  leadTimeOf(workload: Workload): Millis | null {
    return this.#learned.get(workload) ?? null;
  }

  /**
   * Reads the ledgers in which something is new. Rejects with a StoreUnavailable.
   *
   * @param begun the `lineKey`s of warm-ups under way, by workload
   */
  async read(begun: ReadonlyMap<string, Set<string>>, workloads: Iterable<Workload>): Promise<void> {
    const ended = new Map<string, Set<string>>();
    for (const [workload, keys] of this.#begun) {
      const gone = [...keys].filter((key) => begun.get(workload)?.has(key) !== true);
      if (gone.length > 0) ended.set(workload, new Set(gone));
    }
    for (const [workload, keys] of ended) await this.#report(workload, keys);
    let reads = 0;
    for (const workload of workloads) {
      if (workload.trigger.policy.leadTimeGiven) continue;
      const isNew = ended.has(workload.id) || ended.has(orderedAs(workload));
      if (!isNew && (this.#learned.has(workload) || reads >= MOST_READ)) continue;
      reads += 1;
      await this.#learn(workload);
    }
    this.#begun = new Map(begun);
  }

  async #report(workload: string, keys: Set<string>): Promise<void> {
    for (const record of await this.#ledger.records(workload)) {
      if (keys.delete(lineKey(record.id, record.plannedAt))) this.#onEnded(record);
    }
  }

  async #learn(workload: Workload): Promise<void> {
    const all = await this.recordsOf(workload);
    const told = all.filter(({ steps }) =>
      steps.some(({ step, outcome }) => step === 'ready' && outcome === 'done'),
    );
    const times = leadTimesOf(told.map((record) => ({ ...record, workload: workload.id }))).get(workload.id);
    const learned = times !== undefined && times.samples >= LEAST_SAMPLES ? times.p90 : null;
    this.#learned.set(workload, learned);
  }

  /** The trigger's own and those that were asked for by name. */
  async recordsOf(workload: Pick<Workload, 'id' | 'namespace' | 'name'>): Promise<LedgerRecord[]> {
    const own = await this.#ledger.records(workload.id);
    const ordered = await this.#ledger.records(orderedAs(workload));
    return [...own, ...ordered].toSorted((a, b) => b.endedAt - a.endedAt);
  }
}
