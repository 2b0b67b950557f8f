import { MINUTE, type Millis } from '../core/time.js';
import { record, strings, text, wholeNumber, type JsonRecord } from './objects/json.js';

/**
 * Lifting a ScaledObject's `minReplicaCount` for the length of a warm-up. What it was before is written onto the object
 * itself, so that whoever comes after a crash can put it back.
 */

export const LIFTED_LABEL = 'pilotlight.dev/min-replicas-lifted';
export const BEFORE_ANNOTATION = 'pilotlight.dev/min-replicas-before';
export const TO_ANNOTATION = 'pilotlight.dev/min-replicas-to';
export const UNTIL_ANNOTATION = 'pilotlight.dev/min-replicas-until';

/** `before` where the object had no `minReplicaCount`. */
const UNSET = 'unset';

/** What is wanted of a ScaledObject; `unknown`: the warm-ups' store does not answer. */
export type LiftWish =
  | { readonly kind: 'lift'; readonly replicas: number; readonly until: Millis }
  | { readonly kind: 'none' }
  | { readonly kind: 'unknown' };

export type LiftChange =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'lift'; readonly to: number; readonly before: number | null; readonly until: Millis }
  /** Null: it had none. */
  | { readonly kind: 'restore'; readonly to: number | null; readonly why: string }
  /** Take our marks off and leave its minimum as it is. */
  | { readonly kind: 'forget'; readonly why: string };

/** An end that moves by less is not worth a request. */
const SAME_END: Millis = MINUTE;

export function liftChange(scaledObject: JsonRecord, wish: LiftWish, now: Millis): LiftChange {
  const spec = record(scaledObject['spec']);
  const metadata = record(scaledObject['metadata']);
  const annotations = strings(metadata['annotations']);
  const minimum = wholeNumber(spec['minReplicaCount']);
  const mark = markOf(annotations);
  const to =
    wish.kind === 'lift' && wish.until > now
      ? Math.min(wish.replicas, wholeNumber(spec['maxReplicaCount']) ?? 100)
      : null;
  if (mark === 'none') {
    // KEDA leaves the replicas of a paused one alone, and so do we.
    const paused = Object.keys(annotations).some((key) => key.startsWith('autoscaling.keda.sh/paused'));
    if (to === null || wish.kind !== 'lift' || to <= (minimum ?? 0) || paused) return { kind: 'nothing' };
    return { kind: 'lift', to, before: minimum, until: wish.until };
  }
  if (mark === 'unreadable') {
    return {
      kind: 'forget',
      why: `the annotation ${BEFORE_ANNOTATION} cannot be read: set minReplicaCount to what it should be`,
    };
  }
  if (minimum !== mark.to) {
    return {
      kind: 'forget',
      why: `minReplicaCount was lifted to ${mark.to}, and somebody made it ${minimum ?? UNSET}`,
    };
  }
  if (wish.kind === 'unknown' && mark.until > now) return { kind: 'nothing' };
  if (to === null || wish.kind !== 'lift') {
    const why = mark.until <= now ? 'its warm-up has ended' : 'no warm-up needs it any more';
    return { kind: 'restore', to: mark.before, why };
  }
  if (to <= (mark.before ?? 0))
    return { kind: 'restore', to: mark.before, why: 'no more than before is wanted' };
  if (to === mark.to && Math.abs(wish.until - mark.until) < SAME_END) return { kind: 'nothing' };
  return { kind: 'lift', to, before: mark.before, until: wish.until };
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

interface Mark {
  readonly before: number | null;
  readonly to: number;
  readonly until: Millis;
}

function markOf(annotations: Readonly<Record<string, string>>): Mark | 'none' | 'unreadable' {
  const [before, to] = [annotations[BEFORE_ANNOTATION], annotations[TO_ANNOTATION]];
  if (before === undefined && to === undefined) return 'none';
  const until = Date.parse(annotations[UNTIL_ANNOTATION] ?? '');
  const whole = /^\d{1,9}$/;
  if (before === undefined || to === undefined || !whole.test(to)) return 'unreadable';
  if (before !== UNSET && !whole.test(before)) return 'unreadable';
  // Without an end that can be read it has ended.
  return {
    before: before === UNSET ? null : Number(before),
    to: Number(to),
    until: Number.isNaN(until) ? 0 : until,
  };
}

/**
 * The object to apply. What an apply leaves out and we alone have set goes: the marks in any case, and the minimum where
 * there was none. What somebody else has set in between is theirs already. The resource version makes it fail when the
 * object has changed since it was read.
 */
export function liftedObject(
  scaledObject: JsonRecord,
  change: Exclude<LiftChange, { kind: 'nothing' }>,
): JsonRecord {
  const { name, namespace, resourceVersion } = record(scaledObject['metadata']);
  const bare = { name, namespace, resourceVersion: text(resourceVersion) ?? '' };
  const kind = { apiVersion: 'keda.sh/v1alpha1', kind: 'ScaledObject' };
  switch (change.kind) {
    case 'lift':
      return {
        ...kind,
        metadata: {
          ...bare,
          labels: { [LIFTED_LABEL]: 'true' },
          annotations: {
            [BEFORE_ANNOTATION]: change.before === null ? UNSET : String(change.before),
            [TO_ANNOTATION]: String(change.to),
            [UNTIL_ANNOTATION]: new Date(change.until).toISOString(),
          },
        },
        spec: { minReplicaCount: change.to },
      };
    case 'restore':
      return {
        ...kind,
        metadata: bare,
        ...(change.to === null ? {} : { spec: { minReplicaCount: change.to } }),
      };
    case 'forget':
      return { ...kind, metadata: bare };
  }
}
