import { SCHEMA, TABLES } from './postgres-tables.js';
import { StoreUnavailable, type Store, type Stored } from './store.js';

/** What is needed of a PostgreSQL connection: one statement is one transaction. */
export interface Queryable {
  query(text: string, params?: readonly unknown[]): Promise<{ rows: readonly unknown[] }>;
}

interface Row {
  readonly id: string;
  readonly revision: string | number;
  readonly value: string;
}

/** The store on PostgreSQL. Makes its tables where they are missing. */
export async function createPostgresStore(database: Queryable): Promise<Store> {
  await database.query(TABLES);
  async function rows<T>(text: string, ...params: unknown[]): Promise<readonly T[]> {
    try {
      return (await database.query(text, params)).rows as readonly T[];
    } catch (error) {
      throw new StoreUnavailable(`the embedded store did not answer: ${(error as Error).message}`, {
        cause: error,
      });
    }
  }
  return {
    async read(collection, id) {
      const [row] = await rows<Row>(
        `SELECT id, revision, value FROM ${SCHEMA}.docs WHERE collection = $1 AND id = $2`,
        collection,
        id,
      );
      return row === undefined ? null : storedFrom(row);
    },
    async list(collection) {
      const all = await rows<Row>(
        `SELECT id, revision, value FROM ${SCHEMA}.docs WHERE collection = $1`,
        collection,
      );
      return new Map(all.map((row) => [row.id, storedFrom(row)]));
    },
    async version(collection) {
      const [row] = await rows<{ revision: string | number }>(
        `SELECT revision FROM ${SCHEMA}.versions WHERE collection = $1`,
        collection,
      );
      return row === undefined ? '' : String(row.revision);
    },
    async commit(writes) {
      const [row] = await rows<{ done: boolean }>(
        `SELECT ${SCHEMA}.commit($1::jsonb) AS done`,
        JSON.stringify(writes),
      );
      return row?.done === true;
    },
    async lease(key, owner, length) {
      const taken = await rows(
        `INSERT INTO ${SCHEMA}.leases AS held (key, owner, until)
         VALUES ($1, $2, clock_timestamp() + $3 * interval '1 millisecond')
         ON CONFLICT (key) DO UPDATE SET owner = excluded.owner, until = excluded.until
         WHERE held.owner = excluded.owner OR held.until < clock_timestamp()
         RETURNING key`,
        key,
        owner,
        length,
      );
      return taken.length === 1;
    },
    async release(key, owner) {
      await rows(`DELETE FROM ${SCHEMA}.leases WHERE key = $1 AND owner = $2`, key, owner);
    },
  };
}

function storedFrom(row: Row): Stored {
  return { revision: Number(row.revision), value: row.value };
}
