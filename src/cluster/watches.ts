import { SECOND, type Millis } from '../core/time.js';
import type { WatchStatus } from '../ports/cluster.js';
import { nameOf } from './client/failure.js';
import { ForeignAddresses } from './foreign-addresses.js';
import type { Log } from './log.js';
import type { ClusterModel } from './model.js';
import { PULLED_EVENTS } from './objects/pulled-event.js';
import { saidOnce } from './said-once.js';
import { Reflector } from './watch/reflector.js';
import type { Resource, Sink } from './watch/resource.js';
import type { Surroundings } from './watch/timing.js';
import { sleep } from './watch/turns.js';

export type Watched = 'scaledobjects' | 'deployments' | 'statefulsets' | 'pods' | 'nodes' | 'events';

interface Kind {
  readonly group: string;
  readonly version: string;
  readonly fieldSelector: string | null;
  readonly lists: boolean;
  readonly needed: boolean;
  readonly isNamespaced: boolean;
}

const CORE = { group: '', version: 'v1', fieldSelector: null, lists: true, needed: true, isNamespaced: true };
const APPS = { ...CORE, group: 'apps' };

const KINDS: Readonly<Record<Watched, Kind>> = {
  scaledobjects: { ...CORE, group: 'keda.sh', version: 'v1alpha1' },
  deployments: APPS,
  statefulsets: APPS,
  // Those that have ended hold nothing and are no replicas.
  pods: { ...CORE, fieldSelector: 'status.phase!=Succeeded,status.phase!=Failed' },
  nodes: { ...CORE, needed: false, isNamespaced: false },
  events: { ...CORE, fieldSelector: PULLED_EVENTS, lists: false, needed: false },
};

/** A first list that failed may succeed when it is tried again: a version that is too old, a server that is busy. */
const ONCE_MORE: Millis = SECOND;

/** All watches: of the whole cluster, or of each namespace given, and of the nodes in either case. */
export class Watches {
  readonly #all: { readonly watched: Watched; readonly reflector: Reflector; readonly sink: Sink }[] = [];
  /** By kind, or by kind and namespace. */
  readonly #covering = new Map<string, Reflector>();
  /** Null: every external trigger is ours. */
  readonly #foreign: ForeignAddresses | null;
  readonly #log: Log;

  /**
   * Starts them.
   *
   * @param namespaces null: all
   * @param addresses of this scaler, in lower case; null: every external trigger is ours
   */
  constructor(
    model: ClusterModel,
    namespaces: readonly string[] | null,
    addresses: ReadonlySet<string> | null,
    around: Surroundings,
  ) {
    this.#foreign = addresses === null ? null : new ForeignAddresses(addresses);
    this.#log = around.log;
    const beside = { ...around, log: saidOnce(around.log) };
    for (const watched of Object.keys(KINDS) as Watched[]) {
      const kind = KINDS[watched];
      const within = kind.isNamespaced && namespaces !== null ? namespaces : [null];
      for (const namespace of within) {
        const { group, version, fieldSelector, lists } = kind;
        const resource: Resource = { group, version, fieldSelector, lists, resource: watched, namespace };
        const own = sinkFor(watched, model, addresses);
        const sink = watched === 'scaledobjects' ? (this.#foreign?.beside(own) ?? own) : own;
        const reflector = new Reflector(resource, sink, beside);
        this.#all.push({ watched, sink, reflector });
        this.#covering.set(namespace === null ? watched : `${watched}/${namespace}`, reflector);
      }
    }
  }

  /** The one that covers a namespace; null: none does. */
  find(watched: Watched, namespace: string): Reflector | null {
    return this.#covering.get(watched) ?? this.#covering.get(`${watched}/${namespace}`) ?? null;
  }

  every(watched: Watched): readonly Reflector[] {
    return this.#all.flatMap((each) => (each.watched === watched ? [each.reflector] : []));
  }

  status(): WatchStatus[] {
    return this.#all.map(({ watched, reflector, sink }) => ({
      resource: nameOf(reflector.resource),
      namespace: reflector.resource.namespace,
      health: reflector.health(),
      objects: sink.size(),
      unreadable: reflector.unreadable,
      needed: KINDS[watched].needed,
    }));
  }

  /** Why a ScaledObject, `namespace/name`, is another scaler's; null: it is not, or is not there. */
  whyForeign(key: string): string | null {
    return this.#foreign?.why(key) ?? null;
  }

  /** Warns, once, where a ScaledObject that KEDA asks this scaler about is another's by its address. */
  warnOfForeign(key: string): void {
    const why = this.#foreign?.whyOnce(key) ?? null;
    if (why !== null) this.#log.warn({ scaledObject: key }, `KEDA asks this scaler about it, but ${why}`);
  }

  /** Resolves when each has listed once or has failed to; what decisions need is given a second more to try again. */
  async synced(signal: AbortSignal): Promise<void> {
    await Promise.all(
      this.#all.map(async ({ watched, reflector }) => {
        await reflector.settled;
        if (KINDS[watched].needed) await Promise.race([reflector.synced, sleep(ONCE_MORE, signal)]);
      }),
    );
  }

  async close(): Promise<void> {
    await Promise.all(this.#all.map(({ reflector }) => reflector.close()));
  }
}

function sinkFor(watched: Watched, model: ClusterModel, addresses: ReadonlySet<string> | null): Sink {
  switch (watched) {
    case 'scaledobjects':
      return model.scaledObjectSink(addresses);
    case 'deployments':
      return model.targetSink('deployment');
    case 'statefulsets':
      return model.targetSink('statefulset');
    case 'pods':
      return model.podSink();
    case 'nodes':
      return model.nodeSink();
    case 'events':
      return model.eventSink();
  }
}
