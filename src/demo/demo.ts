import type { Clock } from '../ports/clock.js';
import type { ScrapeTargets } from '../ports/scrape-targets.js';
import type { WarmUpDesk } from '../ports/warm-ups.js';
import type { WorkloadViews } from '../ports/workload-views.js';
import type { Millis } from '../core/time.js';
import { openCluster, type Cluster } from './cluster.js';
import type { SimulatedDeployment } from './deployment.js';
import type { Actor, Change } from './history.js';
import { standIn, type StandIn } from './keda.js';
import { waitUntil } from './loops.js';
import { openScalerClient, type ScalerClient } from './scaler-client.js';
import { decisionOf, snapshotOf, type Snapshot } from './snapshot.js';
import { startStoryClock, type StoryClock } from './story-clock.js';
import type { Timing } from './story.js';
import { summaryOf, type Summary } from './summary.js';
import { announceBursts, WarmUpWatch, type WarmUpNote } from './warm-ups.js';
import {
  COOLDOWN_PERIOD,
  DEMO_WORKLOADS,
  NAMESPACE,
  POLLING_INTERVAL,
  SCALE_DOWN_WINDOW,
} from './workloads.js';

/** As much of the running server as the demo needs. */
export interface RunningScaler {
  readonly grpcPort: number;
  readonly httpPort: number;
  readonly views: WorkloadViews;
  readonly warmUps: WarmUpDesk;
  stop(): Promise<void>;
}

/** Starts the real server on free ports of loopback, with these endpoints to scrape and this clock. */
export type StartScaler = (parts: {
  readonly targets: ScrapeTargets;
  readonly clock: Clock;
  /** Real time, at most. */
  readonly tick: Millis;
}) => Promise<RunningScaler>;

/** Where the demo is shown. */
export interface Show {
  /** Everything runs. `server` is the address of the admin HTTP. */
  started(server: string, snapshot: Snapshot): void;
  changed(change: Change, snapshot: Snapshot): void;
  /** A warm-up was planned, has begun, or is ready. */
  warmed(note: WarmUpNote, snapshot: Snapshot): void;
  /** Several times a second. */
  refreshed(snapshot: Snapshot): void;
  /** Each real second, from 0 on. */
  second(snapshot: Snapshot): void;
  /** After the last of the others, once. */
  ended(summary: Summary, snapshot: Snapshot): void;
}

/** The server's default tick, which is the longest that passes between two of its looks. Story seconds. */
const TICK = 5;
const REFRESH_MS = 200;
/** A machine that could not keep up is given this much more of the story to come to zero. */
const GRACE = 1.25;

/**
 * Runs the whole of it: simulated servers, the real scaler and the stand-in for KEDA and the HPA, all in this process
 * and on loopback. Resolves when the story has ended or `signal` is aborted, with everything stopped.
 */
export async function runDemo(
  timing: Timing,
  startScaler: StartScaler,
  show: Show,
  signal: AbortSignal,
): Promise<Summary> {
  const clock = startStoryClock(timing.speed);
  const failed = new AbortController();
  const fail = (error: unknown) => failed.abort(error);
  const cluster = await openCluster(DEMO_WORKLOADS, timing.story, clock, fail);
  try {
    const tick = Math.min(500, (TICK * 1000) / timing.speed);
    const scaler = await startScaler({ targets: cluster.targets, clock, tick });
    try {
      const warmUps = new WarmUpWatch(scaler.warmUps, clock);
      const stage = { timing, clock, cluster, scaler, warmUps, show, fail };
      const summary = await play(stage, AbortSignal.any([signal, failed.signal]));
      failed.signal.throwIfAborted();
      return summary;
    } finally {
      await scaler.stop();
    }
  } finally {
    cluster.close();
  }
}

interface Stage {
  readonly timing: Timing;
  readonly clock: StoryClock;
  readonly cluster: Cluster;
  readonly scaler: RunningScaler;
  readonly warmUps: WarmUpWatch;
  readonly show: Show;
  /** Ends the demo with an error. */
  readonly fail: (error: unknown) => void;
}

async function play(stage: Stage, signal: AbortSignal): Promise<Summary> {
  const { timing, clock, cluster, scaler, show, warmUps } = stage;
  const server = `http://127.0.0.1:${scaler.httpPort}`;
  const ended = new AbortController();
  const until = AbortSignal.any([signal, ended.signal]);
  const client = openScalerClient(`127.0.0.1:${scaler.grpcPort}`);
  const standIns = cluster.deployments.map((deployment) => operate(stage, deployment, client));
  const announcing = cluster.deployments.map(({ workload }) =>
    announceBursts(workload, timing.story, server, clock, until).catch(stage.fail),
  );
  try {
    show.started(server, look(stage));
    await watch(stage, signal);
  } finally {
    ended.abort();
    await Promise.all([...announcing, ...standIns.map((each) => each.stop())]);
    client.close();
  }
  const store = scaler.warmUps.store();
  const told = { notes: warmUps.notes, keptIn: store.kind === 'open' ? store.keptIn : null };
  const complete = !signal.aborted && !timing.story.repeats;
  const summary = summaryOf(cluster.deployments, clock.speed, told, complete);
  show.ended(summary, look(stage));
  return summary;
}

function operate(stage: Stage, deployment: SimulatedDeployment, client: ScalerClient): StandIn {
  const { scaler, clock, cluster, show } = stage;
  const { name, metadata, maxReplicas } = deployment.workload;
  const scalerMetadata = { ...metadata, scalerAddress: `127.0.0.1:${scaler.grpcPort}` };
  const object = {
    ref: { namespace: NAMESPACE, name, scalerMetadata },
    pollingInterval: POLLING_INTERVAL,
    cooldownPeriod: COOLDOWN_PERIOD,
    maxReplicaCount: maxReplicas,
    scaleDownWindow: SCALE_DOWN_WINDOW,
  };
  const target = {
    counts() {
      cluster.advance();
      return deployment.counts;
    },
    scale(replicas: number, by: Actor) {
      cluster.advance();
      const reason = decisionOf(name, scaler.views)?.reason ?? 'not evaluated yet';
      const change = deployment.scale(replicas, by, reason);
      if (change !== null) show.changed(change, look(stage));
    },
  };
  return standIn({ object, target, client, clock }, stage.fail);
}

/** Shows the story until its end, and a little beyond where somebody is not back at zero by then. */
async function watch(stage: Stage, signal: AbortSignal): Promise<void> {
  const { timing, clock, show, cluster } = stage;
  const { story } = timing;
  let seconds = -1;
  for (;;) {
    const changed = stage.warmUps.look();
    const snapshot = look(stage);
    for (const note of changed) show.warmed(note, snapshot);
    show.refreshed(snapshot);
    if (Math.floor(snapshot.t) > seconds) {
      seconds = Math.floor(snapshot.t);
      show.second(snapshot);
    }
    const awake = cluster.deployments.some(({ counts }) => counts.spec > 0);
    const end = story.repeats ? Number.POSITIVE_INFINITY : story.seconds * (awake ? GRACE : 1);
    if (signal.aborted || snapshot.at >= end) return;
    await waitUntil(Math.min(end, clock.seconds() + (REFRESH_MS / 1000) * clock.speed), clock, signal);
  }
}

function look({ cluster, scaler, clock, timing, warmUps }: Stage): Snapshot {
  return snapshotOf(cluster, scaler.views, clock, timing, warmUps.notes);
}
