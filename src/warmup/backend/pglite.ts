import { createPostgresBackend, runMigrations, type BackendFactory } from 'bullmq';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Log } from '../log.js';
import { QUEUE } from '../queue/jobs.js';
import { createPostgresStore } from '../store/postgres-store.js';
import type { Backend } from './backend.js';
import { PgliteClient } from './pglite-client.js';
import { PglitePool } from './pg-pool.js';

/** @param folder the caller holds its lock @throws Error when the database does not start */
export async function openPglite(
  folder: string,
  description: string,
  onClose: () => Promise<void>,
  log: Log,
): Promise<Backend> {
  const data = join(folder, 'postgres');
  await mkdir(data, { recursive: true, mode: 0o700 });
  const database = new PgliteClient(data, log);
  try {
    await database.start();
    const pool = new PglitePool(database);
    await runMigrations(await pool.connect());
    const store = await createPostgresStore(database);
    return {
      kind: 'pglite',
      shared: false,
      description,
      store,
      jobs: {
        calls: pool,
        worker: pool,
        prefix: 'pilotlight',
        factory: createPostgresBackend as BackendFactory,
        // BullMQ notifies of new jobs and not of ones whose delay is changed: an idle worker would sleep on.
        nudge: async () => {
          await database.query('SELECT pg_notify($1, $2)', ['bullmq_jobs', QUEUE]);
        },
      },
      async close() {
        await database.close();
        await onClose();
      },
    };
  } catch (error) {
    await database.close();
    throw error;
  }
}
