import { EventEmitter } from 'node:events';
import type { PgliteClient, Rows } from './pglite-client.js';

/** A connection as BullMQ's PostgreSQL backend sees it. All of them are the one session that PGlite has. */
class SharedSession extends EventEmitter {
  readonly #database: PgliteClient;
  readonly #deaf: () => void;

  constructor(database: PgliteClient) {
    super();
    this.#database = database;
    this.#deaf = database.listen((channel, payload) => this.emit('notification', { channel, payload }));
    this.setMaxListeners(0);
  }

  query(text: string, params?: readonly unknown[]): Promise<Rows> {
    // The thread listens to BullMQ's channels from its start, also after a restart that nobody here hears of.
    return /^\s*(?:--[^\n]*\n\s*)*LISTEN\b/i.test(text)
      ? Promise.resolve({ rows: [] })
      : this.#database.query(text, params);
  }

  release(): void {
    this.#deaf();
  }
}

/**
 * As much of a `pg.Pool` as BullMQ needs. Safe on one session because each of its job operations is one statement; only
 * migrations span several, and run alone before anything else. `keepAlive` tells BullMQ that a lost session would be
 * noticed; it would else look for jobs every 10 s.
 */
export class PglitePool extends EventEmitter {
  readonly options = { keepAlive: true };
  readonly #database: PgliteClient;

  constructor(database: PgliteClient) {
    super();
    this.#database = database;
    this.setMaxListeners(0);
  }

  query(text: string, params?: readonly unknown[]): Promise<Rows> {
    return this.#database.query(text, params);
  }

  connect(): Promise<SharedSession> {
    return Promise.resolve(new SharedSession(this.#database));
  }

  end(): Promise<void> {
    return Promise.resolve(); // the database is closed by its owner
  }
}
