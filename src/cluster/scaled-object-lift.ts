import type { Millis } from '../core/time.js';
import { record, strings, text, type JsonRecord } from './objects/json.js';
import { isSameEnd } from './same-end.js';
import {
  BEFORE_ANNOTATION,
  LEFT_ANNOTATION,
  LIFTED_LABEL,
  TO_ANNOTATION,
  UNSET,
  UNTIL_ANNOTATION,
  type MinimumState,
} from './scaled-object-marks.js';

/** Lifting a ScaledObject's `minReplicaCount` for the length of a warm-up. */

/**
 * What is wanted of a ScaledObject. `unknown`: it is not ours to say, as while the warm-ups' store does not answer, or where
 * another scaler replica is asked about it.
 */
export type LiftWish =
  | { readonly kind: 'lift'; readonly replicas: number; readonly until: Millis }
  | { readonly kind: 'none' }
  | { readonly kind: 'unknown' };

export type LiftChange =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'lift'; readonly to: number; readonly before: number | null; readonly until: Millis }
  /** Null: it had none. */
  | { readonly kind: 'restore'; readonly to: number | null; readonly why: string }
  /** Take our marks off, leave its minimum as it is and lift it no more before that moment; null: the next warm-up may. */
  | { readonly kind: 'forget'; readonly leftUntil: Millis | null; readonly why: string }
  /** Take off the moment until which it was left to somebody else. */
  | { readonly kind: 'tidy' };

const NOTHING: LiftChange = { kind: 'nothing' };

export function liftChange(state: MinimumState, wish: LiftWish, now: Millis): LiftChange {
  const { minimum, maximum, paused, mark, leftUntil } = state;
  const wanted =
    wish.kind === 'lift' && wish.until > now
      ? { to: Math.min(wish.replicas, maximum), until: wish.until }
      : null;
  if (mark === 'none') {
    if (leftUntil !== null) return leftUntil > now ? NOTHING : { kind: 'tidy' };
    // KEDA leaves the replicas of a paused one alone, and so do we.
    if (wanted === null || wanted.to <= (minimum ?? 0) || paused) return NOTHING;
    return { kind: 'lift', ...wanted, before: minimum };
  }
  if (mark === 'unreadable') {
    if (wish.kind === 'unknown') return NOTHING;
    const why = `its marks (${BEFORE_ANNOTATION}, …) cannot be read: set minReplicaCount to what it should be`;
    return { kind: 'forget', leftUntil: wanted?.until ?? null, why };
  }
  if (minimum !== mark.to) {
    const until = Math.max(mark.until, wanted?.until ?? 0);
    const why = `minReplicaCount was lifted to ${mark.to}, and somebody made it ${minimum ?? UNSET}`;
    return { kind: 'forget', leftUntil: until > now ? until : null, why };
  }
  if (wish.kind === 'unknown' && mark.until > now) return NOTHING;
  if (wanted === null) {
    const why = mark.until <= now ? 'its warm-up has ended' : 'no warm-up needs it any more';
    return { kind: 'restore', to: mark.before, why };
  }
  if (wanted.to <= (mark.before ?? 0))
    return { kind: 'restore', to: mark.before, why: 'no more than before is wanted' };
  if (wanted.to === mark.to && isSameEnd(mark.until, wanted.until, now)) return NOTHING;
  return { kind: 'lift', ...wanted, before: mark.before };
}

/**
 * The object to apply. What an apply leaves out and we alone have set goes: the marks in any case, and the minimum where
 * there was none. The resource version makes it fail when the object has changed since it was read.
 */
export function appliedObject(
  scaledObject: JsonRecord,
  change: Extract<LiftChange, { kind: 'lift' | 'restore' }>,
): JsonRecord {
  const { name, namespace, resourceVersion } = record(scaledObject['metadata']);
  const bare = { name, namespace, resourceVersion: text(resourceVersion) ?? '' };
  const marks =
    change.kind === 'restore'
      ? {}
      : {
          labels: { [LIFTED_LABEL]: 'true' },
          annotations: {
            [BEFORE_ANNOTATION]: change.before === null ? UNSET : String(change.before),
            [TO_ANNOTATION]: String(change.to),
            [UNTIL_ANNOTATION]: new Date(change.until).toISOString(),
          },
        };
  return {
    apiVersion: 'keda.sh/v1alpha1',
    kind: 'ScaledObject',
    metadata: { ...bare, ...marks },
    ...(change.to === null ? {} : { spec: { minReplicaCount: change.to } }),
  };
}

/**
 * A merge patch that takes all of our marks off, whoever has set them, and leaves the minimum alone: an apply without it would
 * delete one that is ours by now, and with it would make one ours that is somebody else's.
 */
export function unmarkingPatch(scaledObject: JsonRecord, leftUntil: Millis | null): JsonRecord {
  const { labels, annotations, resourceVersion } = record(scaledObject['metadata']);
  const without = (held: Readonly<Record<string, string>>, ...keys: string[]) =>
    Object.fromEntries(keys.filter((key) => held[key] !== undefined).map((key) => [key, null]));
  const marks = [BEFORE_ANNOTATION, TO_ANNOTATION, UNTIL_ANNOTATION, LEFT_ANNOTATION];
  return {
    metadata: {
      resourceVersion: text(resourceVersion) ?? '',
      labels: without(strings(labels), LIFTED_LABEL),
      annotations: {
        ...without(strings(annotations), ...marks),
        ...(leftUntil === null ? {} : { [LEFT_ANNOTATION]: new Date(leftUntil).toISOString() }),
      },
    },
  };
}
