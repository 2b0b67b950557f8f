import type { Millis } from '../core/time.js';

/** Who wants a warm-up: a forecast, a window of the trigger, somebody who said that load is coming, or who woke it by hand. */
export type WarmUpSource = 'forecast' | 'window' | 'announced' | 'wake';

/** "Have N replicas of a workload ready by T, and hold them until U." Plain data: it outlives the process that made it. */
export interface WarmUp {
  /** Made of the workload and the slot alone, so that the same plan twice is one warm-up. */
  readonly id: string;
  /**
   * `namespace/name/digest`: one trigger of one ScaledObject. `namespace/name`: all of its triggers, whatever becomes of
   * their metadata, for what people ask for by name.
   */
  readonly workload: string;
  /** Start of the time slot it was planned for; of what people ask for, a moment that no other order of theirs has. */
  readonly slot: Millis;
  /** At least 1. */
  readonly replicas: number;
  /** When to lift the floor: `readyBy − leadTime`, or now where that is past. */
  readonly startAt: Millis;
  readonly readyBy: Millis;
  /** The end: at that moment the floor falls, whatever happened. */
  readonly holdUntil: Millis;
  /** How long it was thought to take from lifting the floor until the replicas are ready. */
  readonly leadTime: Millis;
  /** One line for an operator. */
  readonly why: string;
  readonly source: WarmUpSource;
  /** GPU-seconds, if none of them were wanted otherwise. */
  readonly expectedCost: number;
  /** 1 where it is not known. */
  readonly gpusPerReplica: number;
  /** Warm-ups of one node pool are begun no faster than its rate limit; null: of none that is known, and not limited. */
  readonly nodePool: string | null;
  /** For what people ask for: their request and its answer as JSON, so that any scaler replica knows it again. */
  readonly order?: string;
}

/** What a replica takes, and where. */
export type ReplicaPlace = Pick<WarmUp, 'gpusPerReplica' | 'nodePool'>;

export type StepName = 'floor' | 'nodes' | 'ready' | 'model';

/** What one step of a warm-up did. */
export interface StepReport {
  readonly step: StepName;
  /** `nothing`: there was nothing to do, and `note` says why. */
  readonly outcome: 'done' | 'nothing' | 'failed';
  readonly at: Millis;
  readonly took: Millis;
  readonly note: string;
  /** Where the time went, as far as it is known. */
  readonly split: { readonly node?: Millis; readonly image?: Millis; readonly model?: Millis };
}

/**
 * `planned`: nothing has been done. `begun`: the floor is lifted and the steps are on their way. `holding`: ready, and
 * held until its end.
 */
export type WarmUpPhase = 'planned' | 'begun' | 'holding';

export interface WarmUpStatus {
  readonly warmUp: WarmUp;
  readonly phase: WarmUpPhase;
  readonly plannedAt: Millis;
  readonly begunAt: Millis | null;
  readonly readyAt: Millis | null;
  /** `readyBy` has passed without the replicas being ready. */
  readonly late: boolean;
  readonly failures: number;
  readonly lastFailure: string | null;
  readonly steps: readonly StepReport[];
}

/** A warm-up that was given up: for a person to read, and to try again or to discard. */
export interface DeadWarmUp {
  readonly status: WarmUpStatus;
  readonly at: Millis;
  readonly reason: string;
}
