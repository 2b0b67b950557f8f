import type { Millis } from '../core/time.js';
import { record, strings, wholeNumber, type JsonRecord } from './objects/json.js';
import { isPaused } from './objects/paused.js';

/**
 * What a lifted `minReplicaCount` was before is written onto the ScaledObject itself, so that whoever comes after a crash can
 * put it back, and every scaler replica knows the same.
 */

export const LIFTED_LABEL = 'pilotlight.dev/min-replicas-lifted';
export const BEFORE_ANNOTATION = 'pilotlight.dev/min-replicas-before';
export const TO_ANNOTATION = 'pilotlight.dev/min-replicas-to';
export const UNTIL_ANNOTATION = 'pilotlight.dev/min-replicas-until';
/** Somebody else has set the minimum: until this moment it is left to them. */
export const LEFT_ANNOTATION = 'pilotlight.dev/min-replicas-left-until';

/** `before` where the object had no `minReplicaCount`. */
export const UNSET = 'unset';

export interface Mark {
  /** Null: it had none. */
  readonly before: number | null;
  readonly to: number;
  /** 0 where it says no end that can be read: then it has ended. */
  readonly until: Millis;
}

/** What lifting one ScaledObject's minimum depends on. */
export interface MinimumState {
  /** As it is in the spec; null: it has none. */
  readonly minimum: number | null;
  readonly maximum: number;
  readonly paused: boolean;
  /** `unreadable`: a part of it is missing or makes no sense. */
  readonly mark: Mark | 'none' | 'unreadable';
  /** Null: it is left to nobody. 0 where the moment cannot be read. */
  readonly leftUntil: Millis | null;
}

export function minimumStateOf(scaledObject: JsonRecord): MinimumState {
  const spec = record(scaledObject['spec']);
  const metadata = record(scaledObject['metadata']);
  const annotations = strings(metadata['annotations']);
  const isLabelled = strings(metadata['labels'])[LIFTED_LABEL] !== undefined;
  const left = annotations[LEFT_ANNOTATION];
  const mark = markOf(annotations);
  return {
    minimum: wholeNumber(spec['minReplicaCount']),
    maximum: wholeNumber(spec['maxReplicaCount']) ?? 100,
    paused: isPaused(annotations),
    mark: mark === 'none' && isLabelled ? 'unreadable' : mark,
    leftUntil: left === undefined ? null : momentOf(left),
  };
}

/** Whether there is anything of ours on it. */
export function isMarked({ mark, leftUntil }: MinimumState): boolean {
  return mark !== 'none' || leftUntil !== null;
}

/**
 * The minimum that a ScaledObject has when no warm-up lifts it. While one does, that is the warm-up's and not its owner's.
 *
 * @param minimum as it is in the spec, or KEDA's default
 */
export function ownMinimum(minimum: number, annotations: Readonly<Record<string, string>>): number {
  const mark = markOf(annotations);
  return typeof mark === 'object' && mark.to === minimum ? (mark.before ?? 0) : minimum;
}

const WHOLE = /^\d{1,9}$/;

function markOf(annotations: Readonly<Record<string, string>>): Mark | 'none' | 'unreadable' {
  const [before, to] = [annotations[BEFORE_ANNOTATION], annotations[TO_ANNOTATION]];
  const until = annotations[UNTIL_ANNOTATION];
  if (before === undefined && to === undefined) return until === undefined ? 'none' : 'unreadable';
  if (before === undefined || to === undefined || !WHOLE.test(to)) return 'unreadable';
  if (before !== UNSET && !WHOLE.test(before)) return 'unreadable';
  return {
    before: before === UNSET ? null : Number(before),
    to: Number(to),
    until: momentOf(until ?? ''),
  };
}

function momentOf(text: string): Millis {
  const moment = Date.parse(text);
  return Number.isNaN(moment) ? 0 : moment;
}
