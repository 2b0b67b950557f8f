import type { Millis } from '../core/time.js';
import { oneLine } from './client/failure.js';
import { list, record, strings, text, wholeNumber, type JsonRecord } from './objects/json.js';
import {
  PLACEHOLDER_LABEL,
  RENDERED_ANNOTATION,
  UNTIL_ANNOTATION,
  WORKLOAD_ANNOTATION,
  type Rendered,
} from './placeholders-render.js';
import { isSameEnd } from './same-end.js';
import type { ObjectPath } from './write.js';

/** A placeholder object as it is in the cluster, whoever of us made it. */
export interface Existing {
  readonly path: ObjectPath;
  readonly workload: string | null;
  readonly digest: string | null;
  readonly replicas: number | null;
  /** Null: it says no end that could be read. */
  readonly until: Millis | null;
  /** Why its pods cannot be created, such as a PriorityClass that is not installed or a quota; null: nothing is known. */
  readonly trouble: string | null;
}

export type PlaceholderChange =
  | { readonly kind: 'apply'; readonly rendered: Rendered; readonly why: string }
  | {
      readonly kind: 'delete';
      readonly path: ObjectPath;
      readonly workload: string | null;
      readonly why: string;
    };

/** Null for an object that is not ours, or is going already. */
export function existingOf(object: JsonRecord, collection: Omit<ObjectPath, 'name'>): Existing | null {
  const metadata = record(object['metadata']);
  const name = text(metadata['name']);
  const annotations = strings(metadata['annotations']);
  const ours = strings(metadata['labels'])[PLACEHOLDER_LABEL] !== undefined;
  if (name === null || !ours || metadata['deletionTimestamp'] !== undefined) return null;
  const until = Date.parse(annotations[UNTIL_ANNOTATION] ?? '');
  return {
    path: { ...collection, name },
    workload: annotations[WORKLOAD_ANNOTATION] ?? null,
    digest: annotations[RENDERED_ANNOTATION] ?? null,
    replicas: wholeNumber(record(object['spec'])['replicas']),
    until: Number.isNaN(until) ? null : until,
    trouble: troubleOf(object),
  };
}

/** The Deployment controller passes on what kept its ReplicaSet from creating pods. */
function troubleOf(object: JsonRecord): string | null {
  const conditions = list(record(object['status'])['conditions']).map(record);
  const failure = conditions.find(({ type, status }) => type === 'ReplicaFailure' && status === 'True');
  return failure === undefined ? null : oneLine(text(failure['message']) ?? 'its pods cannot be created');
}

/**
 * What makes the objects that are there the ones that are wanted. It needs no memory: after a restart what an earlier process
 * made is adopted by its name, and what nobody wants any more goes.
 *
 * @param wanted null while the warm-ups are not known, as when their store does not answer: then only what is past the end
 *   that it carries goes, so that nothing is held for ever either
 * @param isOurs whether nobody else can want placeholders of this workload: of others', too, only what is past its end goes
 */
export function placeholderChanges(
  existing: readonly Existing[],
  wanted: readonly Rendered[] | null,
  now: Millis,
  isOurs: (workload: string | null) => boolean = () => true,
): PlaceholderChange[] {
  const there = new Map(existing.map((each) => [keyOf(each.path), each]));
  const changes: PlaceholderChange[] = [];
  for (const rendered of wanted ?? []) {
    const found = there.get(keyOf(rendered.path));
    const why = found === undefined ? 'it is not there' : difference(found, rendered, now);
    if (why !== null) changes.push({ kind: 'apply', rendered, why });
  }
  const keep = new Set((wanted ?? []).map(({ path }) => keyOf(path)));
  for (const { path, until, workload } of existing) {
    if (keep.has(keyOf(path))) continue;
    const past = until !== null && until <= now;
    if (!past && (wanted === null || !isOurs(workload))) continue;
    const why = past ? 'its warm-up has ended' : `no warm-up of ${workload ?? 'any workload'} needs it`;
    changes.push({ kind: 'delete', path, workload, why });
  }
  return changes;
}

function difference(found: Existing, rendered: Rendered, now: Millis): string | null {
  if (found.digest !== rendered.digest) return 'the workload has changed';
  if (rendered.replicas !== null && found.replicas !== rendered.replicas) {
    return `it has ${found.replicas ?? 'no'} replicas, and ${rendered.replicas} are wanted`;
  }
  if (found.until === null || !isSameEnd(found.until, rendered.until, now)) return 'its end has moved';
  return null;
}

function keyOf({ group, resource, namespace, name }: ObjectPath): string {
  return [group, resource, namespace, name].join(' ');
}
