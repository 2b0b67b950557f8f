import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { startConsole, type ConsoleServer } from '../console/http.js';
import { createClusterMetrics, type ClusterMetrics } from '../console/cluster-metrics.js';
import { createServerMetrics, type ServerMetrics } from '../console/metrics.js';
import { createWarmUpMetrics, type WarmUpMetrics } from '../console/warm-up-metrics.js';
import { startGrpcServer, type GrpcServer } from '../keda/server.js';
import type { Millis } from '../core/time.js';
import type { Clock } from '../ports/clock.js';
import type { ScrapeTargets } from '../ports/scrape-targets.js';
import type { WarmUpDesk } from '../ports/warm-ups.js';
import type { WorkloadViews } from '../ports/workload-views.js';
import { watchBullmqQueues } from '../signals/queues/bullmq-watch.js';
import { createTargetsFile } from '../signals/scrape/targets-file.js';
import { openServerCluster, type ServerCluster } from './cluster.js';
import { openDecisionLog } from './decision-log-file.js';
import { openForecastMemories, type ForecastMemories } from './forecast-memories.js';
import { OrderBook } from './order-book.js';
import { permissionsOf } from './permissions.js';
import { loadProfiles } from './profiles-folder.js';
import { QueueWakes } from './queue-wakes.js';
import { Registry } from './registry.js';
import { Scaler, type TickReport } from './scaler.js';
import { SettingsError, type Settings } from './settings.js';
import { openSources } from './sources.js';
import { startTicker } from './ticker.js';
import { viewsOf } from './views.js';
import { warmUpSteps } from './warm-up-steps.js';
import { WarmUpService, type WarmUpPlace } from './warm-ups.js';
import type { Workload } from './workload.js';

export interface RunningServer {
  readonly grpcPort: number;
  readonly httpPort: number;
  readonly views: WorkloadViews;
  readonly warmUps: WarmUpDesk;
  /** Drains: health first, streams end with OK, calls in flight finish, then the rest stops. */
  stop(): Promise<void>;
}

export interface ServerParts {
  readonly settings: Settings;
  readonly log: Logger;
  readonly clock: Clock;
  /** In place of `settings.scrapeTargets`. */
  readonly targets?: ScrapeTargets;
  /** In place of what the settings say of them. */
  readonly warmUps?: WarmUpPlace;
  readonly cluster?: ServerCluster;
}

/** What has been started, newest last: stopped in reverse. */
type Closers = (() => Promise<void> | void)[];

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
  const views = viewsOf(registry, cluster.describe);
  const pulse = { draining: false, tickedAt: clock.now() };
  let grpc: GrpcServer | null = null;
  const metrics = createServerMetrics(views, () => grpc?.streams() ?? 0);
  const onTick = (report: TickReport) => {
    pulse.tickedAt = clock.now();
    metrics.tick(report);
  };
  const memories = await openMemories(parts);
  closers.push(() => memories.save());
  const { scaler, orders, warmUps, warmUpMetrics } = openScaler(
    { ...parts, cluster },
    registry,
    memories,
    onTick,
    closers,
  );
  const admin = await startAdmin({
    views,
    metrics,
    orders,
    warmUps,
    warmUpMetrics,
    clusterMetrics: createClusterMetrics(cluster),
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

function openScaler(
  parts: ServerParts & { readonly cluster: ServerCluster },
  registry: Registry,
  memories: ForecastMemories,
  onTick: (report: TickReport) => void,
  closers: Closers,
): OpenScaler {
  const { settings, log, clock, cluster, targets: given } = parts;
  const { decisionLog, scrapeTargets } = settings;
  const targets = given ?? (scrapeTargets === undefined ? null : createTargetsFile(scrapeTargets, clock));
  const decisions = decisionLog === undefined ? null : openDecisionLog(decisionLog, (why) => log.warn(why));
  closers.push(() => decisions?.close());
  const sources = openSources(settings, targets, clock);
  closers.push(() => sources.close());
  const decideNow = (workloads: readonly Workload[]) => scaler.decideNow(workloads);
  const hooks = { settle: () => orders.settle(), forget: (id: string) => orders.forget(id) };
  const { warmUps, warmUpMetrics } = openWarmUps(parts, registry, targets ?? NO_TARGETS, decideNow, hooks);
  const leadTimeOf = (workload: Workload) =>
    longest(cluster.leadTimeOf(workload), warmUps.leadTimeOf(workload));
  const orders = new OrderBook(registry, clock, decideNow, {
    store: warmUps,
    leadTimeOf,
    onUnstored: (why) => log.warn({ why }, 'an order is kept in memory until the warm-up store answers'),
  });
  const scaler: Scaler = new Scaler({
    registry,
    sources,
    targets: targets ?? NO_TARGETS,
    workloads: cluster.workloads,
    grantOf: cluster.grantOf,
    floorsOf: (workload, now) => {
      const { namespace, name } = workload;
      return [...warmUps.floorsOf(workload), ...orders.floorsOf(namespace, name, now)];
    },
    leadTimeOf,
    memories,
    log: decisions,
    clock,
    tickMs: settings.tick,
    onTick: (report) => {
      decideNow(cluster.tick(registry.all(), clock.now()));
      wakes?.only(registry.all(), clock.now());
      onTick(report);
    },
    onDecision: (workload, now) => {
      wakes?.note(workload, now);
      warmUps.noteDecision(workload, now);
    },
    onFault: (workload, error) => log.error({ workload, error }, 'a workload could not be evaluated'),
  });
  const wakes = openQueueWakes(parts, scaler);
  closers.push(() => wakes?.close());
  // The planner and the worker stop before what their steps read is closed.
  closers.push(() => warmUps.close());
  warmUps.start();
  return { scaler, orders, warmUps, warmUpMetrics };
}

/** Both were measured, each on starts of its own: who promises by the shorter is late for the others. */
function longest(one: Millis | null, other: Millis | null): Millis | null {
  return one === null || other === null ? (one ?? other) : Math.max(one, other);
}

/** Real time; shorter where the tick is, as in a story that runs faster. */
const PLAN_EVERY: Millis = 15_000;
const NO_TARGETS: ScrapeTargets = { list: () => [] };

interface OpenScaler {
  readonly scaler: Scaler;
  readonly orders: OrderBook;
  readonly warmUps: WarmUpService;
  readonly warmUpMetrics: WarmUpMetrics;
}

function openWarmUps(
  { settings, log, clock, warmUps: given }: ServerParts,
  registry: Registry,
  targets: ScrapeTargets,
  decideNow: (workloads: readonly Workload[]) => void,
  book: { readonly settle: () => Promise<void>; readonly forget: (id: string) => void },
): Pick<OpenScaler, 'warmUps' | 'warmUpMetrics'> {
  const warmUps = new WarmUpService({
    place: given ?? warmUpPlace(settings),
    registry,
    steps: warmUpSteps({ registry, targets, clock }),
    clock,
    log,
    every: Math.min(PLAN_EVERY, 3 * settings.tick),
    lookEvery: Math.min(500, settings.tick),
    onFloors: decideNow,
    onEnded: (record) => warmUpMetrics.ended(record),
    onCancelled: (id) => book.forget(id),
    onRound: () => book.settle(),
  });
  const warmUpMetrics = createWarmUpMetrics(warmUps, clock);
  return { warmUps, warmUpMetrics };
}

function warmUpPlace({ noWarmUps, redis, stateDir }: Settings): WarmUpPlace | string {
  if (noWarmUps) return '--no-warm-ups';
  if (redis === undefined && stateDir === undefined) return 'neither --redis nor --state-dir is given';
  return { redisUrl: redis ?? null, stateDir: stateDir ?? null };
}

/** Null without a Redis. */
function openQueueWakes({ settings, log }: ServerParts, scaler: Scaler): QueueWakes | null {
  const { redis } = settings;
  if (redis === undefined) return null;
  const onProblem = (why: string | null) =>
    why === null ? log.info('events of queues again') : log.warn(why);
  return new QueueWakes(
    (asleep) => watchBullmqQueues(redis, { ...asleep, onProblem }),
    (workloads) => scaler.refresh(workloads),
  );
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

interface AdminParts {
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

function startAdmin(parts: AdminParts): Promise<ConsoleServer> {
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
