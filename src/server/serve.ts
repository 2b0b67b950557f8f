import { join } from 'node:path';
import { createClusterMetrics } from '../console/cluster-metrics.js';
import { createServerMetrics, type ServerMetrics } from '../console/metrics.js';
import { startGrpcServer, type GrpcServer } from '../keda/server.js';
import type { WarmUpDesk } from '../ports/warm-ups.js';
import type { WorkloadViews } from '../ports/workload-views.js';
import { startAdmin } from './admin.js';
import { openServerCluster, type ServerCluster } from './cluster.js';
import { clusterDesk, hasPrices } from './cluster-desk.js';
import { openForecastMemories, type ForecastMemories } from './forecast-memories.js';
import { openScaler } from './open-scaler.js';
import { permissionsOf } from './permissions.js';
import { PodReadings } from './pod-readings.js';
import { loadProfiles } from './profiles-folder.js';
import { Registry } from './registry.js';
import type { Scaler, TickReport } from './scaler.js';
import type { Closers, ServerParts } from './server-parts.js';
import { SettingsError, type Settings } from './settings.js';
import { startTicker } from './ticker.js';
import { viewsOf } from './views.js';

export interface RunningServer {
  readonly grpcPort: number;
  readonly httpPort: number;
  readonly views: WorkloadViews;
  readonly warmUps: WarmUpDesk;
  /** Drains: health first, streams end with OK, calls in flight finish, then the rest stops. */
  stop(): Promise<void>;
}

/**
 * The composition root: builds all parts from the settings, starts them in order and stops them in reverse. Rejects,
 * naming the setting, when one cannot start; what had started by then is stopped again.
 */
export async function startServer(parts: ServerParts): Promise<RunningServer> {
  const closers: Closers = [];
  try {
    return await start(parts, closers);
  } catch (error) {
    await closeAll(closers);
    throw error;
  }
}

async function start(parts: ServerParts, closers: Closers): Promise<RunningServer> {
  const { settings, log, clock } = parts;
  const registry = new Registry(loadProfiles(settings.scalers), permissionsOf(settings), clock);
  const cluster = parts.cluster ?? (await openServerCluster(settings, clock, log));
  closers.push(() => cluster.close());
  const pods = openPodReadings(parts, cluster);
  const views = viewsOf(registry, (workload) => cluster.describe(workload, pods));
  const pulse = { draining: false, tickedAt: clock.now() };
  let grpc: GrpcServer | null = null;
  const metrics = createServerMetrics(views, () => grpc?.streams() ?? 0);
  const onTick = (report: TickReport) => {
    pulse.tickedAt = clock.now();
    metrics.tick(report);
  };
  const memories = await openMemories(parts);
  closers.push(() => memories.save());
  const around = { ...parts, registry, cluster, pods, memories, onTick };
  const { scaler, orders, warmUps, warmUpMetrics } = openScaler(around, closers);
  const admin = await startAdmin({
    views,
    metrics,
    orders,
    warmUps,
    warmUpMetrics,
    clusterMetrics: createClusterMetrics(clusterDesk(cluster, registry, pods), clock),
    settings,
    pulse,
    clock,
  });
  closers.push(() => admin.close());
  const ticker = startTicker(
    settings.tick,
    clock,
    () => scaler.tick(),
    (error) => log.error(error, 'a tick failed'),
  );
  closers.push(() => ticker.stop());
  const keda = await startGrpc(scaler, metrics, settings, (why) => log.warn(why));
  closers.push(() => keda.drain(settings.drain));
  grpc = keda;
  return {
    grpcPort: keda.port,
    httpPort: admin.port,
    views,
    warmUps,
    stop() {
      pulse.draining = true;
      return closeAll(closers);
    },
  };
}

async function closeAll(closers: Closers): Promise<void> {
  for (const close of closers.splice(0).reverse()) await close();
}

/** What forecasts have learned: in memory alone without a state folder. */
function openMemories({ settings: { stateDir }, log, clock }: ServerParts): Promise<ForecastMemories> {
  const file = stateDir === undefined ? null : join(stateDir, 'forecasts.jsonl');
  return openForecastMemories({ file, clock, onProblem: (why) => log.warn(why) });
}

/** Only the cluster's view shows them. */
function openPodReadings({ settings, clock, log }: ServerParts, cluster: ServerCluster): PodReadings {
  const hasAccess = cluster.health() !== null;
  return new PodReadings({
    clock,
    modelLoad: hasAccess,
    served: hasAccess && hasPrices(settings.gpu),
    tickMs: settings.tick,
    onFault: (error) => log.error({ error }, 'what pods report beside their signals could not be read'),
  });
}

function startGrpc(
  scaler: Scaler,
  metrics: ServerMetrics,
  settings: Settings,
  onProblem: (why: string) => void,
): Promise<GrpcServer> {
  const { tlsCert, tlsKey, tlsClientCa } = settings;
  return startGrpcServer(scaler, {
    listen: settings.grpcListen.startsWith(':') ? `0.0.0.0${settings.grpcListen}` : settings.grpcListen,
    tls:
      tlsCert === undefined || tlsKey === undefined
        ? null
        : { cert: tlsCert, key: tlsKey, clientCa: tlsClientCa ?? null },
    reflection: settings.reflection,
    onCall: (method, refused) => metrics.rpc(method, refused ?? 'answered'),
    onProblem,
  }).catch((error: unknown) => {
    const why = error instanceof Error ? error.message : String(error);
    throw why.startsWith('--tls') ? new SettingsError(why, { cause: error }) : error;
  });
}
