import { createWarmUpMetrics, type WarmUpMetrics } from '../console/warm-up-metrics.js';
import type { Millis } from '../core/time.js';
import type { ScrapeTargets } from '../ports/scrape-targets.js';
import { watchBullmqQueues } from '../signals/queues/bullmq-watch.js';
import { createTargetsFile } from '../signals/scrape/targets-file.js';
import type { ServerCluster } from './cluster.js';
import { openDecisionLog } from './decision-log-file.js';
import type { ForecastMemories } from './forecast-memories.js';
import { OrderBook } from './order-book.js';
import type { PodReadings } from './pod-readings.js';
import { QueueWakes } from './queue-wakes.js';
import type { Registry } from './registry.js';
import { Scaler, type TickReport } from './scaler.js';
import type { Closers, ServerParts } from './server-parts.js';
import type { Settings } from './settings.js';
import { openSources } from './sources.js';
import { warmUpSteps } from './warm-up-steps.js';
import { WarmUpService, type WarmUpPlace } from './warm-ups.js';
import type { Workload } from './workload.js';

export interface OpenScaler {
  readonly scaler: Scaler;
  readonly orders: OrderBook;
  readonly warmUps: WarmUpService;
  readonly warmUpMetrics: WarmUpMetrics;
}

/** What the scaler is opened with, besides the parts of the server. */
export interface ScalerAround extends ServerParts {
  readonly registry: Registry;
  readonly cluster: ServerCluster;
  readonly pods: PodReadings;
  readonly memories: ForecastMemories;
  readonly onTick: (report: TickReport) => void;
}

/** The scaler with all that it reads, all that people ask of it and all that it sets going. */
export function openScaler(around: ScalerAround, closers: Closers): OpenScaler {
  const { settings, log, clock, registry, cluster, pods, memories, onTick } = around;
  const reading = openReading(around, closers);
  const decideNow = (workloads: readonly Workload[]) => scaler.decideNow(workloads);
  const hooks = { settle: () => orders.settle(), forget: (id: string) => orders.forget(id) };
  const { warmUps, warmUpMetrics } = openWarmUps(around, reading.targets, decideNow, hooks);
  const leadTimeOf = longestLeadTime(cluster, warmUps);
  const orders = new OrderBook(registry, clock, decideNow, {
    store: warmUps,
    leadTimeOf,
    mostOf: (workload) => cluster.boundsOf(workload).maxReplicas,
    onUnstored: (why) => log.warn({ why }, 'an order is kept in memory until the warm-up store answers'),
  });
  const scaler: Scaler = new Scaler({
    ...reading,
    registry,
    workloads: cluster.workloads,
    scaledObjectOf: cluster.scaledObjectOf,
    grantOf: cluster.grantOf,
    floorsOf: (workload, now) => {
      const { namespace, name } = workload;
      return [...warmUps.floorsOf(workload), ...orders.floorsOf(namespace, name, now)];
    },
    leadTimeOf,
    memories,
    clock,
    tickMs: settings.tick,
    onTick: async (report) => {
      onTick(report);
      wakes?.only(registry.all(), clock.now());
      void pods.afterTick(registry.all(), reading);
      decideNow(await cluster.tick(registry.all(), clock.now()));
    },
    onDecision: (workload, now, observation) => {
      wakes?.note(workload, now);
      cluster.writes?.noteDecision(workload, observation, now);
      warmUps.noteDecision(workload, now);
    },
    onFault: (workload, error) => log.error({ workload, error }, 'a workload could not be evaluated'),
  });
  const wakes = openQueueWakes(around, scaler);
  closers.push(() => wakes?.close());
  // The planner and the worker stop before what their steps read is closed.
  closers.push(() => warmUps.close());
  warmUps.start();
  const granted = (id: string) => cluster.granted(id);
  cluster.writes?.start({ registry, warmUps, granted, every: roundOf(settings) });
  return { scaler, orders, warmUps, warmUpMetrics };
}

/** Where signals come from, and where decisions are written down. */
function openReading({ settings, log, clock, targets: given }: ServerParts, closers: Closers) {
  const { decisionLog, scrapeTargets } = settings;
  const targets = given ?? (scrapeTargets === undefined ? null : createTargetsFile(scrapeTargets, clock));
  const decisions = decisionLog === undefined ? null : openDecisionLog(decisionLog, (why) => log.warn(why));
  closers.push(() => decisions?.close());
  const sources = openSources(settings, targets, clock);
  closers.push(() => sources.close());
  return { targets: targets ?? NO_TARGETS, sources, log: decisions };
}

/** Both were measured, each on starts of its own: who promises by the shorter is late for the others. */
function longestLeadTime(cluster: ServerCluster, warmUps: WarmUpService) {
  return (workload: Workload): Millis | null => {
    const [one, other] = [cluster.leadTimeOf(workload), warmUps.leadTimeOf(workload)];
    return one === null || other === null ? (one ?? other) : Math.max(one, other);
  };
}

/** What need not be done at every tick: real time; shorter where the tick is, as in a story that runs faster. */
const ROUND: Millis = 15_000;
const roundOf = ({ tick }: Settings): Millis => Math.min(ROUND, 3 * tick);
const NO_TARGETS: ScrapeTargets = { list: () => [] };

function openWarmUps(
  { settings, log, clock, warmUps: given, cluster, registry }: ScalerAround,
  targets: ScrapeTargets,
  decideNow: (workloads: readonly Workload[]) => void,
  book: { readonly settle: () => Promise<void>; readonly forget: (id: string) => void },
): Pick<OpenScaler, 'warmUps' | 'warmUpMetrics'> {
  const warmUps = new WarmUpService({
    place: given ?? warmUpPlace(settings),
    registry,
    steps: warmUpSteps({ registry, targets, clock, nodes: cluster.writes?.steps ?? null }),
    clock,
    log,
    every: roundOf(settings),
    placeOf: (id) => cluster.placeOf(id),
    mostOf: (workload) => cluster.boundsOf(workload).maxReplicas,
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
