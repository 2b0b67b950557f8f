import { requestsBetween } from '../load.js';
import type { ReplayManifest, ReplicaCapacity } from '../pilotlight/manifest.js';
import { notesOn } from '../report/replay-report.js';
import { simulateShared, type Sharing } from './run.js';
import { claimOf, type Sharer, type SharerScore } from './sharer.js';

/** A ScaledObject of the pool, and where it and its load come from. */
export interface SharedReplay extends Sharer {
  readonly manifest: ReplayManifest;
  /** Where the load comes from, in words. */
  readonly source: string;
  /** The replica as it was given, before the setup's whole seconds. */
  readonly given: ReplicaCapacity;
}

export interface SharedRun {
  readonly sharing: Sharing;
  /** In the order of the ScaledObjects. */
  readonly scores: readonly SharerScore[];
  /** GPU-seconds that replicas held, of the scored ones. */
  readonly gpuSeconds: number;
}

/** What several ScaledObjects did on one pool, before it is printed. */
export interface SharedReport {
  readonly gpus: number;
  /** Of the longest load. */
  readonly seconds: number;
  readonly scoreFrom: number;
  readonly scaledObjects: readonly {
    readonly replay: SharedReplay;
    readonly tier: 1 | 2;
    readonly minimum: number;
    readonly requests: number;
  }[];
  readonly runs: readonly [SharedRun, SharedRun];
  readonly notes: readonly string[];
}

/**
 * Runs the pool shared out by tiers, and once more without.
 *
 * @param replays at least one, with loads and scores of the same length
 * @throws RangeError for replicas or minimums that the pool has not the GPUs for, and a setup that makes no sense
 */
export function sharedReport(
  replays: readonly [SharedReplay, ...SharedReplay[]],
  gpus: number,
): SharedReport {
  const scaledObjects = replays.map((replay) => {
    const { tier, minimum } = claimOf(replay, 0);
    return { replay, tier, minimum, requests: requestsBetween(replay.load, 0, replay.load.seconds) };
  });
  checkRoom(scaledObjects, gpus);
  const run = (sharing: Sharing): SharedRun => {
    const scores = simulateShared(replays, gpus, sharing);
    return { sharing, scores, gpuSeconds: scores.reduce((sum, each) => sum + each.gpuSeconds, 0) };
  };
  const [{ load, setup }] = replays;
  return {
    gpus,
    seconds: load.seconds,
    scoreFrom: setup.scoreFrom,
    scaledObjects,
    runs: [run('tiers'), run('first-come')],
    notes: replays.flatMap((replay) => notesOn(replay).map((note) => `${replay.object}: ${note}`)),
  };
}

function checkRoom(scaledObjects: SharedReport['scaledObjects'], gpus: number): void {
  for (const { replay } of scaledObjects) {
    if (replay.gpus <= gpus) continue;
    throw new RangeError(
      `a replica of ${replay.object} takes ${replay.gpus} GPUs and the pool has ${gpus}: expected room for one`,
    );
  }
  const least = scaledObjects.map(({ replay, minimum }) => ({
    object: replay.object,
    gpus: minimum * replay.gpus,
  }));
  const sum = least.reduce((sum, each) => sum + each.gpus, 0);
  if (sum <= gpus) return;
  const each = least.map(({ object, gpus }) => `${object} ${gpus}`).join(', ');
  throw new RangeError(
    `the minimums (${each}) take ${sum} GPUs and the pool has ${gpus}: expected room for all`,
  );
}

/** Of the scored seconds, 0 to 1. */
export function idleShare({ gpus, seconds, scoreFrom }: SharedReport, { gpuSeconds }: SharedRun): number {
  return 1 - gpuSeconds / (gpus * (seconds - scoreFrom));
}
