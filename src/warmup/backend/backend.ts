import type { JobBackend } from '../queue/jobs.js';
import type { Store } from '../store/store.js';

/** `redis`: given by URL. `redis-server`: a child process of this server. `pglite`: PostgreSQL in a thread of it. */
export type StoreKind = 'redis' | 'redis-server' | 'pglite';

export interface Backend {
  readonly kind: StoreKind;
  /** Whether several scaler replicas share it. */
  readonly shared: boolean;
  /** One line for the server's start: what it is, where its data is, and what that means. */
  readonly description: string;
  readonly store: Store;
  readonly jobs: JobBackend;
  close(): Promise<void>;
}
