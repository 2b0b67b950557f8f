import { readFileSync } from 'node:fs';
import type { ClusterMetrics } from '../console/cluster-metrics.js';
import { startConsole, type ConsoleServer } from '../console/http.js';
import type { ServerMetrics } from '../console/metrics.js';
import type { WarmUpMetrics } from '../console/warm-up-metrics.js';
import type { Clock } from '../ports/clock.js';
import type { WorkloadViews } from '../ports/workload-views.js';
import type { OrderBook } from './order-book.js';
import { SettingsError, type Settings } from './settings.js';
import type { WarmUpService } from './warm-ups.js';

export interface AdminParts {
  readonly views: WorkloadViews;
  readonly metrics: ServerMetrics;
  readonly orders: OrderBook;
  readonly warmUps: WarmUpService;
  readonly warmUpMetrics: WarmUpMetrics;
  readonly clusterMetrics: ClusterMetrics;
  readonly settings: Settings;
  readonly pulse: { readonly draining: boolean; readonly tickedAt: number };
  readonly clock: Clock;
}

/**
 * Health, metrics and the admin API. Rejects with a SettingsError when the token's file holds none.
 */
export async function startAdmin(parts: AdminParts): Promise<ConsoleServer> {
  const { views, metrics, orders, warmUps, warmUpMetrics, clusterMetrics, settings, pulse, clock } = parts;
  const { tokenFile, tick } = settings;
  const token = tokenFile === undefined ? () => null : tokenReader(tokenFile);
  return startConsole(
    {
      views,
      metrics,
      orders,
      warmUps,
      warmUpMetrics,
      clusterMetrics,
      notReady: () => (pulse.draining ? 'draining' : null),
      notHealthy: () => {
        const silent = clock.now() - pulse.tickedAt;
        return silent > Math.max(60_000, 6 * tick)
          ? `no evaluation for ${Math.round(silent / 1000)} s`
          : null;
      },
      token,
    },
    settings.httpListen,
  );
}

/**
 * The token as the file has it at each call, so that it can be rotated; null while there is none to read.
 *
 * @throws SettingsError when there is none at the start
 */
function tokenReader(path: string): () => string | null {
  const read = () => readFileSync(path, 'utf8').trim();
  try {
    if (read() === '') throw new Error('it is empty');
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new SettingsError(`--token-file ${path}: expected a file that holds a token: ${why}`, {
      cause: error,
    });
  }
  return () => {
    try {
      return read();
    } catch {
      return null;
    }
  };
}
