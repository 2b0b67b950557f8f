import type { Clock } from '../ports/clock.js';
import type { LedgerOutcome } from '../ports/ledger.js';
import type { WarmUp } from '../ports/warm-up.js';
import type { WarmUpSteps } from '../ports/warm-up-steps.js';
import type { Board } from './board.js';
import type { Accounts } from './ledger/ledger.js';
import type { Limits } from './limits.js';
import type { Log } from './log.js';
import type { StoredDead, WarmUpRecord } from './record.js';
import { ACCOUNTS, changeRecord, DEAD, FLOORS, ledgerOf, type Change } from './records.js';
import { ANY, type Store, type Write } from './store/store.js';

export interface EndingParts {
  readonly store: Store;
  readonly board: Board;
  readonly accounts: Accounts;
  readonly steps: WarmUpSteps;
  readonly clock: Clock;
  readonly limits: Limits;
  readonly log: Log;
}

/** Whether a warm-up is to end, asked of what is stored at the last moment. */
type Condition = (record: WarmUpRecord) => boolean;

/**
 * The ends of a warm-up. Each is one commit: the warm-up, its floor and its account go, and its line in the ledger comes,
 * or none of it. A process that dies before it leaves a warm-up that still has an alarm clock.
 */
export class Endings {
  readonly #parts: EndingParts;

  constructor(parts: EndingParts) {
    this.#parts = parts;
  }

  /** The end that was planned. @param outcome null: as the account says */
  async settle(
    id: string,
    outcome: LedgerOutcome | null,
    reason: string | null,
    when: Condition,
  ): Promise<boolean> {
    return this.#end(id, async (record) => {
      if (!when(record)) return null;
      return this.#last(record, outcome, reason);
    });
  }

  /** One that had not begun leaves nothing, not even a line. */
  async cancel(id: string): Promise<boolean> {
    return this.#end(id, (record) =>
      record.phase === 'planned' ? Promise.resolve([]) : this.#last(record, 'cancelled', 'cancelled'),
    );
  }

  /** Gives it up, for a person to look at. */
  async bury(id: string, reason: string, when: Condition): Promise<boolean> {
    const { clock, limits } = this.#parts;
    const buried = await this.#end(id, async (record) => {
      if (!when(record)) return null;
      const at = clock.now();
      const value = JSON.stringify({ status: record, at, reason } satisfies StoredDead);
      const letter: Write = { op: 'append', in: DEAD, id, value, at, most: limits.deadLength };
      return [letter, ...(await this.#last(record, 'failed', reason))];
    });
    if (buried)
      this.#parts.log.error({ warmUp: id, why: reason }, 'a warm-up was given up, and its floor is released');
    return buried;
  }

  async #last(record: WarmUpRecord, outcome: LedgerOutcome | null, reason: string | null): Promise<Write[]> {
    const { accounts, clock, limits } = this.#parts;
    const at = clock.now();
    const line = await accounts.close(record, at, outcome, reason);
    const collection = ledgerOf(record.warmUp.workload);
    // The same id may come twice, when it was given up and tried again.
    const id = `${record.warmUp.id}.${record.plannedAt}`;
    return [{ op: 'append', in: collection, id, value: JSON.stringify(line), at, most: limits.ledgerLength }];
  }

  /** @param writesOf what to write besides; null: it is not to end after all */
  async #end(id: string, writesOf: (record: WarmUpRecord) => Promise<Write[] | null>): Promise<boolean> {
    const { store, board, accounts } = this.#parts;
    const ended = await changeRecord<WarmUp | null>(
      store,
      id,
      async (record): Promise<Change<WarmUp | null>> => {
        if (record === null) return { result: null };
        const writes = await writesOf(record);
        if (writes === null) return { result: null };
        const traces: Write[] = [
          { op: 'drop', in: FLOORS, id, expect: ANY },
          { op: 'drop', in: ACCOUNTS, id, expect: ANY },
        ];
        return { result: record.warmUp, next: null, also: [...traces, ...writes] };
      },
    );
    if (ended === null) return false;
    accounts.forget(id);
    board.touch();
    await this.#releaseNodes(ended);
    return true;
  }

  async #releaseNodes(warmUp: WarmUp): Promise<void> {
    const { steps, log } = this.#parts;
    try {
      await steps.releaseNodes(warmUp);
    } catch (error) {
      log.warn(
        { warmUp: warmUp.id, why: (error as Error).message },
        'placeholders of a warm-up could not be released',
      );
    }
  }
}
