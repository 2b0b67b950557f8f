import { randomUUID } from 'node:crypto';
import type { Clock } from '../ports/clock.js';
import type { Floors } from '../ports/floors.js';
import type { Ledger } from '../ports/ledger.js';
import type { WarmUpQueue } from '../ports/warm-up-queue.js';
import type { WarmUpSteps } from '../ports/warm-up-steps.js';
import type { StoreKind } from './backend/backend.js';
import { openBackend, type StorePlace } from './backend/open-backend.js';
import { Board } from './board.js';
import { Endings } from './endings.js';
import { Accounts } from './ledger/ledger.js';
import { DEFAULT_LIMITS, type Limits } from './limits.js';
import type { Log } from './log.js';
import { Pools } from './pools.js';
import { Jobs } from './queue/jobs.js';
import { StoredWarmUpQueue } from './queue/queue.js';
import { repeat } from './repeat.js';
import { sweep } from './sweeper.js';
import { within } from './within.js';
import { WarmUpWorker } from './worker/worker.js';

export interface WarmUpParts {
  readonly redisUrl: string | null;
  readonly stateDir: string | null;
  readonly embedded?: StorePlace['embedded'];
  readonly clock: Clock;
  readonly log: Log;
  readonly steps: WarmUpSteps;
  readonly limits?: Partial<Limits>;
  /** False for a process that plans and reads, and leaves the work to others. */
  readonly work?: boolean;
}

export interface WarmUps {
  readonly store: { readonly kind: StoreKind; readonly shared: boolean; readonly description: string };
  readonly queue: WarmUpQueue;
  readonly floors: Floors;
  readonly ledger: Ledger;
  /**
   * Stops in order: steps under way are aborted and put back, the accounts are written down, connections close, an
   * embedded store ends last. Close what plans before, and what the steps use after.
   */
  close(): Promise<void>;
}

/** The first look at the store; while it does not answer, the server starts without floors and looks again. */
const FIRST_LOOK_MS = 3000;
/** What is under way is put back within this time; a store that is away takes nothing back. */
const PUT_BACK_MS = 5000;
const AWAY_MS = 500;
const LAST_PAGE_MS = 3000;

/** Opens queue, worker, floors and ledger on one store. @throws Error when an embedded store cannot be opened */
export async function openWarmUps(parts: WarmUpParts): Promise<WarmUps> {
  const { clock, log, steps, redisUrl, stateDir, embedded = 'auto' } = parts;
  const limits: Limits = { ...DEFAULT_LIMITS, ...parts.limits };
  const backend = await openBackend({ redisUrl, stateDir, embedded }, log);
  const { store } = backend;
  const process = randomUUID();
  const board = new Board(store, clock, log);
  const accounts = new Accounts(store, board);
  const jobs = new Jobs(backend.jobs, clock, limits, log);
  const running = { store, board, accounts, steps, clock, limits, log };
  const endings = new Endings(running);
  const worker = new WarmUpWorker(running, endings, new Pools(store, limits), process);
  await within(FIRST_LOOK_MS, board.start(limits.refresh)).catch(() => undefined);
  if (parts.work !== false) jobs.start((id, stop) => worker.ring(id, stop));
  const sweeping = repeat(limits.sweep, () => sweep({ store, jobs, clock, limits, log, process }));
  const writing = repeat(limits.checkpoint, () => writeDown(accounts, log));
  return {
    store: backend,
    queue: new StoredWarmUpQueue({ store, jobs, board, endings, clock }),
    floors: board,
    ledger: accounts,
    async close() {
      await sweeping.stop();
      await jobs.close(board.health().kind === 'stale' ? AWAY_MS : PUT_BACK_MS);
      await writing.stop();
      await within(LAST_PAGE_MS, accounts.checkpoint()).catch((error: Error) => noteUnwritten(error, log));
      await board.stop();
      await backend.close();
    },
  };
}

async function writeDown(accounts: Accounts, log: Log): Promise<void> {
  await accounts.checkpoint().catch((error: Error) => noteUnwritten(error, log));
}

function noteUnwritten(error: Error, log: Log): void {
  log.warn(
    { why: error.message },
    'the accounts of warm-ups could not be written down, and are kept in memory',
  );
}
