import type { Clock } from '../ports/clock.js';
import type { Node } from '../ports/cluster-objects.js';
import { LeadBook } from './lead/book.js';
import { LeadTracker } from './lead/tracker.js';
import { record, text, type JsonRecord } from './objects/json.js';
import { nodeReader } from './objects/node.js';
import { podReader, type SeenPod } from './objects/pod.js';
import { pulledBy } from './objects/pulled-event.js';
import { targetReader, type SeenTarget } from './objects/scale-target.js';
import { readScaledObject, type SeenScaledObject } from './objects/scaled-object.js';
import { isMarked, minimumStateOf, type MinimumState } from './scaled-object-marks.js';
import type { Sink } from './watch/resource.js';
import { Store, type Source } from './watch/store.js';

/** Which kinds of scale target are watched, in KEDA's words. */
export function targetKind(kind: string): SeenTarget['kind'] | null {
  if (kind === 'Deployment') return 'deployment';
  return kind === 'StatefulSet' ? 'statefulset' : null;
}

export function targetKey({
  namespace,
  kind,
  name,
}: Pick<SeenTarget, 'namespace' | 'kind' | 'name'>): string {
  return `${namespace}/${kind}/${name}`;
}

interface MarkedMinimum extends MinimumState {
  /** `namespace/name` of the ScaledObject. */
  readonly id: string;
}

/** Everything that is known of the cluster, pruned, with what is needed to find it. */
export class ClusterModel {
  readonly book = new LeadBook();
  readonly pods: Store<SeenPod>;
  readonly nodes: Store<Node>;
  readonly targets: Record<SeenTarget['kind'], Store<SeenTarget>>;
  readonly scaledObjects: Store<SeenScaledObject>;
  /** ScaledObjects with marks of a lifted minimum, also those that name this scaler no more or cannot be read. */
  readonly marked: Store<MarkedMinimum>;
  /** Why a ScaledObject that names this scaler could not be read. */
  readonly faults = new Map<string, string>();
  readonly #tracker: LeadTracker;
  readonly #podsOf = new Map<string, Set<SeenPod>>();
  /** Targets of our ScaledObjects, and how many name them. */
  readonly #scaled = new Map<string, number>();
  readonly #onLearned: () => void;

  /** @param onLearned called when there is a new lead time */
  constructor(clock: Clock, onLearned: () => void) {
    this.#onLearned = onLearned;
    this.#tracker = new LeadTracker({
      book: this.book,
      workloadOf: (pod) => {
        const key = ownerKey(pod);
        return key !== null && this.#scaled.has(key) ? key : null;
      },
      nodeOf: (name) => this.nodes.get(name),
    });
    this.pods = new Store((before, after) => this.#podChanged(before, after));
    this.nodes = new Store((before, after) => this.#tracker.node(before, after, clock.now()));
    const quiet = () => undefined;
    this.targets = { deployment: new Store(quiet), statefulset: new Store(quiet) };
    this.scaledObjects = new Store((before, after) => this.#scaledObjectChanged(before, after));
    this.marked = new Store(quiet);
  }

  podsOf(target: Pick<SeenTarget, 'namespace' | 'kind' | 'name'>): Iterable<SeenPod> {
    return this.#podsOf.get(targetKey(target)) ?? [];
  }

  podSink(): Sink {
    return sinkOf(this.pods.source(), podReader());
  }

  nodeSink(): Sink {
    return sinkOf(this.nodes.source(), nodeReader());
  }

  targetSink(kind: SeenTarget['kind']): Sink {
    return sinkOf(this.targets[kind].source(), targetReader(kind));
  }

  /** @param addresses as in readScaledObject */
  scaledObjectSink(addresses: ReadonlySet<string> | null): Sink {
    const source = this.scaledObjects.source();
    const marked = this.marked.source();
    return {
      begin: () => {
        source.begin();
        marked.begin();
      },
      end: () => {
        source.end();
        marked.end();
      },
      size: () => source.size(),
      put: (object) => {
        const key = keyOf(object);
        const minimum = minimumStateOf(object);
        if (isMarked(minimum)) marked.put(key, { ...minimum, id: key });
        else marked.remove(key);
        const reading = readScaledObject(object, addresses);
        if (reading.kind === 'ours') {
          this.faults.delete(key);
          source.put(key, reading.scaledObject);
          return 'taken';
        }
        source.remove(key);
        if (reading.kind === 'other') return 'taken';
        this.faults.set(key, reading.why);
        return 'unreadable';
      },
      remove: (object) => {
        this.faults.delete(keyOf(object));
        source.remove(keyOf(object));
        marked.remove(keyOf(object));
      },
    };
  }

  /** Null: neither is it ours nor does it carry a mark. */
  minimum(key: string): MinimumState | null {
    const marked = this.marked.get(key);
    const scaledObject = this.scaledObjects.get(key);
    if (marked !== null || scaledObject === null) return marked;
    const { minReplicas, maxReplicas, paused } = scaledObject;
    return { minimum: minReplicas, maximum: maxReplicas, paused, mark: 'none', leftUntil: null };
  }

  /** Nothing is kept of an event. */
  eventSink(): Sink {
    const nothing = () => undefined;
    return {
      begin: nothing,
      end: nothing,
      remove: nothing,
      size: () => 0,
      put: (object) => {
        const pulled = pulledBy(object);
        if (pulled !== null) this.#tracker.pulled(pulled.uid, pulled.at);
        return 'taken';
      },
    };
  }

  #podChanged(before: SeenPod | null, after: SeenPod | null): void {
    const [from, to] = [before === null ? null : ownerKey(before), after === null ? null : ownerKey(after)];
    if (before !== null && from !== null) this.#leaves(from, before);
    if (after !== null && to !== null) this.#joins(to, after);
    if (this.#tracker.pod(before, after)) this.#onLearned();
  }

  #joins(key: string, pod: SeenPod): void {
    const pods = this.#podsOf.get(key);
    if (pods === undefined) this.#podsOf.set(key, new Set([pod]));
    else pods.add(pod);
  }

  #leaves(key: string, pod: SeenPod): void {
    const pods = this.#podsOf.get(key);
    pods?.delete(pod);
    if (pods?.size === 0) this.#podsOf.delete(key);
  }

  #scaledObjectChanged(before: SeenScaledObject | null, after: SeenScaledObject | null): void {
    const [from, to] = [before, after].map((each) => (each === null ? null : scaledKey(each)));
    if (from !== null && from !== undefined) this.#count(from, -1);
    if (to !== null && to !== undefined) this.#count(to, 1);
  }

  #count(key: string, by: number): void {
    const count = (this.#scaled.get(key) ?? 0) + by;
    if (count > 0) this.#scaled.set(key, count);
    else this.#scaled.delete(key);
  }
}

export function scaledKey({ namespace, target }: SeenScaledObject): string | null {
  const kind = targetKind(target.kind);
  return kind === null ? null : targetKey({ namespace, kind, name: target.name });
}

/** The watched target that a pod is a replica of. */
function ownerKey({ namespace, owner }: SeenPod): string | null {
  const kind = owner === null ? null : targetKind(owner.kind);
  return owner === null || kind === null ? null : targetKey({ namespace, kind, name: owner.name });
}

/** `namespace/name`; of what belongs to no namespace the name alone. */
function keyOf(object: JsonRecord): string {
  const { namespace, name } = record(object['metadata']);
  const within = text(namespace);
  return within === null ? (text(name) ?? '') : `${within}/${text(name) ?? ''}`;
}

function sinkOf<T>(source: Source<T>, read: (object: JsonRecord) => T | null): Sink {
  return {
    ...lifeOf(source),
    put: (object) => {
      const value = read(object);
      if (value === null) {
        // What was known of it is not true any more.
        source.remove(keyOf(object));
        return 'unreadable';
      }
      source.put(keyOf(object), value);
      return 'taken';
    },
    remove: (object) => source.remove(keyOf(object)),
  };
}

function lifeOf(source: Source<unknown>): Pick<Sink, 'begin' | 'end' | 'size'> {
  return { begin: () => source.begin(), end: () => source.end(), size: () => source.size() };
}
