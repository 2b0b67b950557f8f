import { SECOND, type Millis } from '../core/time.js';
import type { Clock } from '../ports/clock.js';
import type { Cluster, ClusterHealth, ClusterState, FactsAnswer, Snapshot } from '../ports/cluster.js';
import type { ScaleTarget } from '../ports/workloads.js';
import type { Access } from './client/connection.js';
import { inClusterAccess, type Environment } from './client/in-cluster.js';
import { kubeconfigAccess } from './client/kubeconfig.js';
import { countReplicas, factsOf } from './facts.js';
import { inLine, known, worst, type Known } from './known.js';
import { leadTimesOf, nodeLeadTimeOf } from './lead/history.js';
import { LeadKeeper } from './lead/keeper.js';
import type { Log } from './log.js';
import { ClusterModel, scaledKey, targetKind } from './model.js';
import type { MinimumState } from './scaled-object-marks.js';
import type { Reflector } from './watch/reflector.js';
import { TIMING, type Timing } from './watch/timing.js';
import { sleep, Turns } from './watch/turns.js';
import { Watches, type Watched } from './watches.js';
import { openWriter, type Writer } from './write.js';

export type Credentials =
  | { readonly kind: 'kubeconfig'; readonly file: string }
  | { readonly kind: 'in-cluster'; readonly environment: Environment; readonly folder?: string };

export interface ClusterParts {
  readonly credentials: Credentials;
  /** Null: all. A list: one watch for each, and Roles instead of a ClusterRole, but for the nodes. */
  readonly namespaces: readonly string[] | null;
  /** `scalerAddress`es under which KEDA reaches this scaler; null: every external trigger is ours. */
  readonly addresses: readonly string[] | null;
  readonly clock: Clock;
  readonly log: Log;
  /** Null: lead times are learned anew after each start. */
  readonly state: ClusterState | null;
  /** How long opening waits for the first lists. 5 s. */
  readonly startWithin?: Millis;
  readonly timing?: Partial<Timing>;
  /** 0 to 1, for jitter. */
  readonly chance?: () => number;
}

/** Reading is from memory; what is changed is asked of the API server, with the same credentials. */
export interface WritableCluster extends Cluster {
  readonly writer: Writer;
  /** As last known, whether the watch stands or not: who acts on it reads the object first. Null: it is not there. */
  minimum(namespace: string, name: string): MinimumState | null;
  /** `namespace/name` of the ScaledObjects that carry a mark of ours; as last known too. */
  marked(): readonly string[];
}

/**
 * Reads the cluster. Resolves when all has been listed or after `startWithin`, whatever the API server does: what is not
 * known by then is unknown, with the reason, until it is.
 *
 * @throws ClusterConfigError when the credentials themselves are wrong
 */
export async function openCluster(parts: ClusterParts): Promise<WritableCluster> {
  const { clock, log, state, namespaces, addresses, startWithin = 5 * SECOND } = parts;
  const access = await accessOf(parts.credentials, clock);
  const keeping: { keeper: LeadKeeper | null } = { keeper: null };
  const model = new ClusterModel(clock, () => keeping.keeper?.changed());
  const keeper = new LeadKeeper(model.book, state, log);
  keeping.keeper = keeper;
  await keeper.restore();
  const ours = addresses === null ? null : new Set(addresses.map((address) => address.toLowerCase()));
  const watches = new Watches(model, namespaces, ours, {
    access,
    clock,
    log,
    timing: { ...TIMING, ...parts.timing },
    chance: parts.chance ?? Math.random,
    turns: new Turns(),
  });
  const waiting = new AbortController();
  await Promise.race([watches.synced(waiting.signal), sleep(startWithin, waiting.signal)]);
  waiting.abort();
  return new OpenCluster(model, watches, clock, openWriter(access), async () => {
    await watches.close();
    access.close();
    await keeper.close();
  });
}

async function accessOf(credentials: Credentials, clock: Clock): Promise<Access> {
  switch (credentials.kind) {
    case 'kubeconfig':
      return kubeconfigAccess(credentials.file);
    case 'in-cluster':
      return inClusterAccess(credentials.environment, clock, credentials.folder);
  }
}

class OpenCluster implements WritableCluster {
  readonly writer: Writer;
  readonly close: () => Promise<void>;
  readonly #model: ClusterModel;
  readonly #watches: Watches;
  readonly #clock: Clock;

  constructor(
    model: ClusterModel,
    watches: Watches,
    clock: Clock,
    writer: Writer,
    close: () => Promise<void>,
  ) {
    this.writer = writer;
    this.#model = model;
    this.#watches = watches;
    this.#clock = clock;
    this.close = close;
  }

  scaledObject(namespace: string, name: string) {
    const reflector = this.#watches.find('scaledobjects', namespace);
    if (reflector?.health().kind !== 'current') return null;
    const found = this.#model.scaledObjects.get(`${namespace}/${name}`);
    if (found === null) this.#watches.warnOfForeign(`${namespace}/${name}`);
    return found;
  }

  minimum(namespace: string, name: string) {
    return this.#model.minimum(`${namespace}/${name}`);
  }

  marked() {
    return this.#model.marked.values().map(({ id }) => id);
  }

  facts(namespace: string, name: string): FactsAnswer {
    const listed = this.#known(['scaledobjects'], namespace);
    if (listed.kind === 'unknown') return listed;
    const key = `${namespace}/${name}`;
    const scaledObject = this.#model.scaledObjects.get(key);
    if (scaledObject === null) {
      const foreign = this.#watches.whyForeign(key);
      if (foreign !== null) return unknown(`the ScaledObject ${key} names another scaler: ${foreign}`);
      const fault = this.#model.faults.get(key);
      return unknown(
        fault === undefined
          ? `no ScaledObject ${key} names this scaler`
          : `the ScaledObject ${key} cannot be read: ${fault}`,
      );
    }
    const kind = targetKind(scaledObject.target.kind);
    if (kind === null) {
      return unknown(
        `the scale target is a ${scaledObject.target.kind}; Deployments and StatefulSets are watched`,
      );
    }
    const current = this.#known(['scaledobjects', `${kind}s`, 'pods'], namespace);
    if (current.kind === 'unknown') return current;
    const target = this.#model.targets[kind].get(`${namespace}/${scaledObject.target.name}`);
    if (target === null)
      return unknown(`the scale target ${kind}/${scaledObject.target.name} does not exist`);
    return { kind: 'known', facts: factsOf(scaledObject, target, this.#model.podsOf(target), current.asOf) };
  }

  podsOf(namespace: string, name: string) {
    const answer = this.facts(namespace, name);
    return answer.kind === 'unknown' ? null : [...this.#model.podsOf(answer.facts.target)];
  }

  replicas({ namespace, kind, name }: ScaleTarget) {
    if (this.#known([`${kind}s`, 'pods'], namespace).kind === 'unknown') return null;
    const target = this.#model.targets[kind].get(`${namespace}/${name}`);
    if (target === null) return null;
    const { current, ready } = countReplicas(target.replicas, this.#model.podsOf(target)).replicas;
    return { current, ready };
  }

  leadTime(namespace: string, name: string) {
    const scaledObject = this.#model.scaledObjects.get(`${namespace}/${name}`);
    // What was learned before a restart counts before the first list.
    const key = scaledObject === null ? `${namespace}/deployment/${name}` : scaledKey(scaledObject);
    return key === null ? null : leadTimesOf(this.#model.book.workload(key));
  }

  leadTimeOfGpu(type: string) {
    return leadTimesOf(this.#model.book.gpu(type));
  }

  nodeLeadTime(type: string) {
    return nodeLeadTimeOf(this.#model.book.node(type));
  }

  nodes() {
    return this.#snapshot('nodes', () => this.#model.nodes.values());
  }

  pods() {
    return this.#snapshot('pods', () => this.#model.pods.values());
  }

  health(): ClusterHealth {
    const watches = this.#watches.status();
    const found = worst(watches);
    if (found === null) return { kind: 'current', why: null, watches };
    const { resource, namespace, health } = found;
    return { kind: health.kind, why: inLine(resource, namespace, health, this.#clock.now()), watches };
  }

  #snapshot<T>(watched: Watched, values: () => T[]): Snapshot<T> {
    const current = known(this.#watches.every(watched), this.#clock.now());
    return current.kind === 'unknown' ? current : { kind: 'known', items: values(), asOf: current.asOf };
  }

  #known(watched: readonly Watched[], namespace: string): Known {
    const reflectors: Reflector[] = [];
    for (const each of watched) {
      const reflector = this.#watches.find(each, namespace);
      if (reflector === null)
        return unknown(`the namespace ${namespace} is not one of those that are watched`);
      reflectors.push(reflector);
    }
    return known(reflectors, this.#clock.now());
  }
}

function unknown(why: string): Extract<Known, { kind: 'unknown' }> {
  return { kind: 'unknown', why, since: null };
}
