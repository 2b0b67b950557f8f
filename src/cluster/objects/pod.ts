import type { Millis } from '../../core/time.js';
import type { Pod, WaitingReason } from '../../ports/cluster-objects.js';
import { oneLine } from '../client/failure.js';
import { DELETION_COST } from '../deletion-cost.js';
import { list, moment, record, strings, text, wholeNumber, type Json, type JsonRecord } from './json.js';
import { podRequests } from './pod-requests.js';
import { Shared } from './shared.js';

/** A pod with what only facts and lead times need. */
export interface SeenPod extends Pod {
  /** Since when it is not ready; null: it is, or nobody has looked. */
  readonly unreadySince: Millis | null;
  readonly restarts: number;
  readonly detail: string | null;
}

export type PodReader = (object: JsonRecord) => SeenPod | null;

/** Keeps the fields that are used, and lets go of the rest. Null for what is no pod. */
export function podReader(): PodReader {
  const labels = new Shared<Readonly<Record<string, string>>>();
  const amounts = new Shared<Readonly<Record<string, number>>>();
  const owners = new Shared<NonNullable<Pod['owner']>>();
  const words = new Shared<string>();
  return (object) => {
    const { metadata, spec, status } = partsOf(object);
    const [name, namespace, uid] = [
      text(metadata['name']),
      text(metadata['namespace']),
      text(metadata['uid']),
    ];
    const createdAt = moment(metadata['creationTimestamp']);
    if (name === null || namespace === null || uid === null || createdAt === null) return null;
    const state = stateOf(spec, status, metadata['deletionTimestamp'] !== undefined);
    const owner = ownerOf(metadata);
    const node = text(spec['nodeName']);
    return {
      namespace: words.one(namespace),
      name,
      uid,
      node: node === null ? null : words.one(node),
      ...state,
      requests: amounts.one(podRequests(spec)),
      priority: wholeNumber(spec['priority']) ?? 0,
      owner: owner === null ? null : owners.one(owner),
      labels: labels.one(strings(metadata['labels'])),
      ...deletionCostOf(metadata),
      createdAt,
      detail: state.detail === null ? null : words.one(state.detail),
    };
  };
}

function deletionCostOf(metadata: JsonRecord): Pick<Pod, 'deletionCost'> {
  const written = strings(metadata['annotations'])[DELETION_COST];
  // As the ReplicaSet controller reads it: what is no 32-bit number counts as none.
  return written !== undefined && /^-?\d{1,10}$/.test(written) ? { deletionCost: Number(written) } : {};
}

function partsOf(object: JsonRecord) {
  return {
    metadata: record(object['metadata']),
    spec: record(object['spec']),
    status: record(object['status']),
  };
}

/**
 * A Deployment's ReplicaSet is named `<deployment>-<pod-template-hash>`, and its pods carry the hash as a label: so the
 * Deployment is known without reading ReplicaSets.
 */
function ownerOf(metadata: JsonRecord): Pod['owner'] {
  const controller = record(
    list(metadata['ownerReferences']).find((each) => record(each)['controller'] === true),
  );
  const [kind, name] = [text(controller['kind']), text(controller['name'])];
  if (kind === null || name === null) return null;
  const hash = text(record(metadata['labels'])['pod-template-hash']);
  if (kind !== 'ReplicaSet' || hash === null || !name.endsWith(`-${hash}`)) return { kind, name };
  return { kind: 'Deployment', name: name.slice(0, -hash.length - 1) };
}

type State = Pick<
  SeenPod,
  | 'phase'
  | 'ready'
  | 'deleting'
  | 'scheduledAt'
  | 'startedAt'
  | 'readyAt'
  | 'unreadySince'
  | 'restarts'
  | 'waiting'
  | 'detail'
>;

function stateOf(spec: JsonRecord, status: JsonRecord, deleting: boolean): State {
  const phase = phaseOf(status['phase']);
  const ready = condition(status, 'Ready');
  const scheduled = condition(status, 'PodScheduled');
  const containers = list(status['containerStatuses']).map(record);
  const isReady = ready?.['status'] === 'True';
  const changedAt = moment(ready?.['lastTransitionTime']);
  const scheduledAt = scheduled?.['status'] === 'True' ? moment(scheduled['lastTransitionTime']) : null;
  const ended = phase === 'Succeeded' || phase === 'Failed';
  const init = list(status['initContainerStatuses']).map(record);
  const why = isReady || ended || deleting ? null : waitingOf(spec, scheduled, containers, init);
  return {
    phase,
    ready: isReady && !ended,
    deleting,
    // The kubelet's own acknowledgement comes later than the binding, and never moves.
    scheduledAt: earlier(scheduledAt, text(spec['nodeName']) === null ? null : moment(status['startTime'])),
    startedAt: startedAt(containers, list(spec['containers']).length),
    readyAt: isReady ? changedAt : null,
    unreadySince: isReady ? null : changedAt,
    restarts: containers.reduce((sum, each) => sum + (wholeNumber(each['restartCount']) ?? 0), 0),
    waiting: why?.reason ?? null,
    detail: why?.detail ?? null,
  };
}

function phaseOf(value: Json): Pod['phase'] {
  switch (value) {
    case 'Pending':
    case 'Running':
    case 'Succeeded':
    case 'Failed':
      return value;
    default:
      return 'Unknown';
  }
}

function condition(status: JsonRecord, type: string): JsonRecord | null {
  const found = list(status['conditions']).find((each) => record(each)['type'] === type);
  return found === undefined ? null : record(found);
}

/** Null while one of them does not run. */
function startedAt(containers: readonly JsonRecord[], expected: number): Millis | null {
  if (containers.length === 0 || containers.length < expected) return null;
  let last: Millis = 0;
  for (const container of containers) {
    const at = moment(record(record(container['state'])['running'])['startedAt']);
    if (at === null) return null;
    last = Math.max(last, at);
  }
  return last;
}

interface Why {
  readonly reason: WaitingReason;
  readonly detail: string | null;
}

const PULL = new Set([
  'ErrImagePull',
  'ImagePullBackOff',
  'InvalidImageName',
  'ErrImageNeverPull',
  'RegistryUnavailable',
  'ImageInspectError',
]);

function waitingOf(
  spec: JsonRecord,
  scheduled: JsonRecord | null,
  containers: readonly JsonRecord[],
  init: readonly JsonRecord[],
): Why {
  if (text(spec['nodeName']) === null) {
    const unschedulable = scheduled?.['reason'] === 'Unschedulable';
    return { reason: unschedulable ? 'unschedulable' : 'scheduling', detail: said(scheduled?.['message']) };
  }
  const waits = [...init, ...containers].map((each) => record(record(each['state'])['waiting']));
  const pull = waits.find((each) => PULL.has(text(each['reason']) ?? ''));
  if (pull !== undefined) return { reason: 'image-pull', detail: detailOf(pull) };
  const crash = waits.find((each) => each['reason'] === 'CrashLoopBackOff');
  if (crash !== undefined) return { reason: 'crash-loop', detail: detailOf(crash) };
  const running = containers.filter((each) => record(each['state'])['running'] !== undefined);
  const expected = Math.max(1, list(spec['containers']).length);
  if (running.length >= expected) return { reason: 'not-ready', detail: null };
  const stuck = waits.find((each) => text(each['message']) !== null);
  return { reason: 'creating', detail: stuck === undefined ? null : detailOf(stuck) };
}

function detailOf(waiting: JsonRecord): string | null {
  const [reason, message] = [text(waiting['reason']), said(waiting['message'])];
  return reason === null || message === null ? (reason ?? message) : `${reason}: ${message}`;
}

function said(message: Json): string | null {
  const words = text(message);
  return words === null ? null : oneLine(words);
}

function earlier(one: Millis | null, other: Millis | null): Millis | null {
  if (one === null || other === null) return one ?? other;
  return Math.min(one, other);
}
