import { hostname } from 'node:os';
import { openEvents } from '../cluster/events.js';
import { openFeature, type Feature } from '../cluster/feature.js';
import type { WritableCluster } from '../cluster/open.js';
import { openPlaceholders } from '../cluster/placeholders.js';
import { openScaledObjectMinimums } from '../cluster/scaled-object.js';
import type { Observation } from '../core/observation.js';
import type { Millis } from '../core/time.js';
import type { CapacityConfig } from '../policy/capacity-config.js';
import type { Clock } from '../ports/clock.js';
import type { FeatureStatus } from '../ports/cluster-desk.js';
import type { WarmUp } from '../ports/warm-up.js';
import type { WarmUpDesk } from '../ports/warm-ups.js';
import type { WarmUpSteps } from '../ports/warm-up-steps.js';
import type { Log } from '../warmup/log.js';
import { isAskedHere } from './asked-here.js';
import { DeletionCosts } from './deletion-costs.js';
import type { Registry } from './registry.js';
import { ScaledObjectEvents, type Happening } from './scaled-object-events.js';
import { scaledObjectName } from './scaled-object-name.js';
import { startTicker, type Ticker } from './ticker.js';
import { WarmUpHolds } from './warm-up-holds.js';
import { WarmUpMinimums } from './warm-up-minimums.js';
import { isWholeTruth, warmUpsUnderWay } from './warm-ups-under-way.js';
import type { Workload } from './workload.js';

export interface ClusterWritesParts {
  readonly cluster: WritableCluster;
  readonly config: CapacityConfig;
  readonly events: boolean;
  readonly clock: Clock;
  readonly log: Log;
}

/** What is known once the server has been put together. */
export interface WritesAround {
  readonly registry: Registry;
  readonly warmUps: Pick<WarmUpDesk, 'store' | 'known'>;
  /** Replicas that a ScaledObject is granted; null: all that it wants. */
  readonly granted: (id: string) => number | null;
  /** How often what is held and lifted is made what it should be. */
  readonly every: Millis;
}

/**
 * All that the server changes in the cluster, each part with rights of its own and none of them needed by another: where
 * one is refused the rest goes on. Everything is made what it should be round by round, so that nothing depends on a
 * process living long enough to undo what it did.
 */
export class ClusterWrites {
  readonly #parts: ClusterWritesParts;
  readonly #features: Feature[] = [];
  readonly #events: ScaledObjectEvents | null;
  readonly #tickers: Ticker[] = [];
  readonly #stopping = new AbortController();
  #registry: Registry | null = null;
  #holds: WarmUpHolds | null = null;
  #costs: DeletionCosts | null = null;

  constructor(parts: ClusterWritesParts) {
    this.#parts = parts;
    const { cluster, clock, events } = parts;
    // A pod's host name is its name.
    this.#events = events
      ? new ScaledObjectEvents(
          openEvents(this.#feature('events').writer, clock, hostname()),
          cluster,
          parts.log,
        )
      : null;
  }

  start({ registry, warmUps, granted, every }: WritesAround): void {
    this.#registry = registry;
    const { cluster, config, clock, log } = this.#parts;
    const underWay = (starting: Iterable<WarmUp> = []) =>
      warmUpsUnderWay({ cluster, warmUps, granted }, starting);
    const around = {
      cluster,
      underWay,
      isWholeTruth: () => isWholeTruth({ warmUps }),
      isAskedHere: (id: string) => {
        const { namespace, name } = scaledObjectName(id);
        const pollingInterval = cluster.scaledObject(namespace, name)?.pollingInterval ?? null;
        return isAskedHere(registry.named(namespace, name), pollingInterval, clock.now());
      },
      stop: this.#stopping.signal,
      clock,
      log,
    };
    if (config.placeholders.enabled) {
      const { writer } = this.#feature('placeholders');
      const placeholders = openPlaceholders(writer, config.placeholders, clock);
      const holds = new WarmUpHolds({ ...around, config, placeholders });
      this.#holds = holds;
      this.#every(every, () => holds.round());
    }
    if (config.exactMinimum) {
      const minimums = openScaledObjectMinimums(this.#feature('exactMinimum').writer, clock);
      const lifts = new WarmUpMinimums({ ...around, minimums });
      this.#every(every, () => lifts.round());
    }
    if (config.deletionCost) {
      const { writer } = this.#feature('deletionCost');
      const costs = new DeletionCosts({ cluster, registry, writer, stop: this.#stopping.signal, log });
      this.#costs = costs;
      this.#every(every, () => costs.round());
    }
    this.#every(every, () => {
      this.#events?.noteWarmUps(warmUps.known(), clock.now());
      return Promise.resolve();
    });
  }

  /** The steps of a warm-up that change the cluster. */
  readonly steps: Pick<WarmUpSteps, 'holdNodes' | 'releaseNodes'> = {
    holdNodes: async (warmUp) => {
      if (this.#holds !== null) return this.#holds.hold(warmUp);
      return { outcome: 'nothing', note: 'placeholders are off (gpu.placeholders)', split: {} };
    },
    releaseNodes: async (warmUp) => this.#holds?.release(warmUp),
  };

  noteDecision(workload: Workload, observation: Observation, now: Millis): void {
    this.#events?.noteDecision(workload, observation, () => {
      const { namespace, name } = workload;
      return this.#registry?.named(namespace, name) ?? [workload];
    });
    this.#costs?.noteDecision(workload, observation, now);
  }

  tell(happening: Happening): void {
    this.#events?.tell(happening);
  }

  features(): readonly FeatureStatus[] {
    return this.#features.map((each) => ({ feature: each.name, why: each.why() }));
  }

  /** What is being changed just now is ended, one object in each round; the rest is the next process's. */
  async close(): Promise<void> {
    this.#stopping.abort();
    await Promise.all(this.#tickers.map((ticker) => ticker.stop()));
  }

  #feature(name: string): Feature {
    const { cluster, clock, log } = this.#parts;
    const feature = openFeature(name, cluster.writer, clock, log);
    this.#features.push(feature);
    return feature;
  }

  #every(interval: Millis, round: () => Promise<void>): void {
    const { clock, log } = this.#parts;
    const failed = (error: unknown) => {
      const why = error instanceof Error ? error.message : String(error);
      log.error({ why }, 'a round of changes to the cluster failed');
    };
    this.#tickers.push(startTicker(interval, clock, round, failed));
  }
}
