import type { Millis } from '../core/time.js';
import { createStarts } from '../policy/starts.js';
import { compileTrigger, type Profiles, type Trigger } from '../policy/trigger.js';
import type { Clock } from '../ports/clock.js';
import type { Refusal, TriggerRef } from '../ports/decisions.js';
import { EDITED_AWAY_AFTER } from './still-asked.js';
import { identity, newWorkload, type Workload } from './workload.js';

/** What a tenant can make the server hold. */
const MOST_WORKLOADS = 20_000;
const MOST_IN_A_NAMESPACE = 10_000;
/** Edits leave the old trigger behind for a while; a ScaledObject has few at once. */
const MOST_TRIGGERS_PER_SCALED_OBJECT = 8;
/** KEDA polls every 30 s by default: after this long without a call the ScaledObject is gone. */
const FORGOTTEN_AFTER: Millis = 600_000;

const DNS_LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
const DNS_NAME = /^[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?$/;

/** What the operator's settings say of a trigger that its schema cannot. */
export interface Permissions {
  /** Null when allowed, else why not, and what the operator can do. */
  readonly prometheus: (address: string) => string | null;
  readonly queue: (namespace: string, queue: string) => string | null;
  /** The query, confined to what the namespace may read. */
  readonly query: (namespace: string, query: string) => { readonly query: string } | { readonly why: string };
}

/** The triggers that KEDA asks about. */
export class Registry {
  readonly #profiles: Profiles;
  readonly #permissions: Permissions;
  readonly #clock: Clock;
  /** Of the cron patterns of all workloads' windows. */
  readonly #startsOf = createStarts();
  readonly #workloads = new Map<string, Workload>();
  /** How many each namespace has. */
  readonly #inNamespace = new Map<string, number>();
  /** The same by `namespace/name`: few each, since metadata is part of what a workload is. */
  readonly #byName = new Map<string, Workload[]>();

  constructor(profiles: Profiles, permissions: Permissions, clock: Clock) {
    this.#profiles = profiles;
    this.#permissions = permissions;
    this.#clock = clock;
  }

  /** The workload of a trigger; a new one is checked and remembered. */
  find(ref: TriggerRef): Workload | Refusal {
    const key = identity(ref);
    const workload = this.#workloads.get(key) ?? this.#register(ref, key);
    if ('id' in workload) workload.askedAt = this.#clock.now();
    return workload;
  }

  /** The workload of a trigger that has been asked about before; null: it has not. */
  known(ref: TriggerRef): Workload | null {
    return this.#workloads.get(identity(ref)) ?? null;
  }

  /** The same check as of a new one without remembering, for calls that need no decision. */
  check(ref: TriggerRef): Trigger | Refusal {
    const admitted = this.#admit(ref);
    return 'kind' in admitted ? admitted : admitted.trigger;
  }

  all(): Iterable<Workload> {
    return this.#workloads.values();
  }

  size(): number {
    return this.#workloads.size;
  }

  named(namespace: string, name: string): readonly Workload[] {
    return this.#byName.get(`${namespace}/${name}`) ?? [];
  }

  /** Drops what nobody asks about any more. */
  forget(): void {
    const before = this.#clock.now() - FORGOTTEN_AFTER;
    for (const [key, workload] of this.#workloads) {
      if (workload.askedAt < before && workload.listeners.size === 0) this.#drop(key, workload);
    }
  }

  #register(ref: TriggerRef, key: string): Workload | Refusal {
    const admitted = this.#admit(ref);
    if ('kind' in admitted) return admitted;
    const full = this.#isFull(ref.namespace);
    if (full !== null) return { kind: 'unavailable', why: full };
    const crowded = this.#makeRoom(this.named(ref.namespace, ref.name));
    if (crowded !== null) return crowded;
    const workload = newWorkload(
      ref,
      key,
      admitted.trigger,
      admitted.query,
      this.#startsOf,
      this.#clock.now(),
    );
    this.#workloads.set(key, workload);
    this.#inNamespace.set(ref.namespace, (this.#inNamespace.get(ref.namespace) ?? 0) + 1);
    this.#byName.set(`${ref.namespace}/${ref.name}`, [...this.named(ref.namespace, ref.name), workload]);
    return workload;
  }

  /** One namespace takes at most half of the places, so that it cannot shut the others out. */
  #isFull(namespace: string): string | null {
    if (this.#workloads.size >= MOST_WORKLOADS)
      return `the scaler already serves ${MOST_WORKLOADS} triggers, its limit`;
    if ((this.#inNamespace.get(namespace) ?? 0) < MOST_IN_A_NAMESPACE) return null;
    return `namespace ${namespace} already has ${MOST_IN_A_NAMESPACE} triggers, the limit for one`;
  }

  /** Drops the trigger that was most likely edited away, never one that KEDA still asks about: its past would go with it. */
  #makeRoom(siblings: readonly Workload[]): Refusal | null {
    if (siblings.length < MOST_TRIGGERS_PER_SCALED_OBJECT) return null;
    const before = this.#clock.now() - EDITED_AWAY_AFTER;
    const [oldest] = siblings
      .filter((each) => each.askedAt < before && each.listeners.size === 0)
      .toSorted((a, b) => a.askedAt - b.askedAt);
    if (oldest === undefined) {
      const why = `expected at most ${MOST_TRIGGERS_PER_SCALED_OBJECT} triggers of this scaler in one ScaledObject`;
      return { kind: 'unavailable', why: `${why}; after as many edits in a minute, wait for another minute` };
    }
    this.#drop(oldest.key, oldest);
    return null;
  }

  #drop(key: string, workload: Workload): void {
    this.#workloads.delete(key);
    const others = (this.#inNamespace.get(workload.namespace) ?? 1) - 1;
    if (others === 0) this.#inNamespace.delete(workload.namespace);
    else this.#inNamespace.set(workload.namespace, others);
    const name = `${workload.namespace}/${workload.name}`;
    const left = (this.#byName.get(name) ?? []).filter((each) => each !== workload);
    if (left.length === 0) this.#byName.delete(name);
    else this.#byName.set(name, left);
  }

  #admit(ref: TriggerRef): { trigger: Trigger; query: string | null } | Refusal {
    const wrongName = checkNames(ref);
    if (wrongName !== null) return invalid(wrongName);
    const compiled = compileTrigger(ref.metadata, this.#profiles);
    if (!compiled.ok) return invalid(compiled.problems.map((each) => each.message).join(' | '));
    const { trigger } = compiled;
    const refused = this.#forbidden(ref.namespace, trigger);
    if (refused !== null) return invalid(refused);
    if (trigger.query === null) return { trigger, query: null };
    const confined = this.#permissions.query(ref.namespace, trigger.query);
    return 'why' in confined ? invalid(`query: ${confined.why}`) : { trigger, query: confined.query };
  }

  #forbidden(namespace: string, { prometheusAddress, queue }: Trigger): string | null {
    const address = prometheusAddress === null ? null : this.#permissions.prometheus(prometheusAddress);
    return address ?? (queue === null ? null : this.#permissions.queue(namespace, queue));
  }
}

function checkNames({ namespace, name }: TriggerRef): string | null {
  if (!DNS_LABEL.test(namespace)) return 'namespace: expected a Kubernetes namespace, as KEDA sends it';
  if (!DNS_NAME.test(name)) return 'name: expected the name of a ScaledObject, as KEDA sends it';
  return null;
}

function invalid(why: string): Refusal {
  return { kind: 'invalid', why };
}
