import type { Setup } from '../../src/replay/setup.js';

/**
 * The workload model once more, as slow and as plain as it can be: an object for each request, replica and node, and
 * every list searched from the start. It shares no code with the replay; the tests compare the two second by second.
 */

interface Request {
  arrival: number;
  start: number | null;
}

interface NaiveNode {
  readyAt: number;
  emptyAt: number | null;
}

interface NaiveReplica {
  age: number;
  node: NaiveNode | null;
  readyAt: number | null;
  removed: boolean;
  serving: Request[];
}

export interface Snapshot {
  queue: number;
  serving: number;
  pending: number;
  starting: number;
  ready: number;
  draining: number;
  nodes: number;
}

export class NaiveWorkload {
  readonly requests: Request[] = [];
  readonly #setup: Setup;
  #replicas: NaiveReplica[] = [];
  #nodes: NaiveNode[] = [];
  #births = 0;
  /** Bound since the replicas of this second were looked at. */
  readonly #boundNow = new Set<NaiveReplica>();

  constructor(setup: Setup, replicas: number) {
    this.#setup = setup;
    for (let i = 0; i < replicas; i += 1) {
      const node = this.#roomiest(0) ?? { readyAt: 0, emptyAt: 0 };
      if (!this.#nodes.includes(node)) this.#nodes.push(node);
      this.#replicas.push({ age: (this.#births += 1), node, readyAt: 0, removed: false, serving: [] });
    }
  }

  /** One second, and then spec.replicas if it is given. */
  second(t: number, arrivals: number, spec: number | null): void {
    this.#finish(t);
    this.#bind(t);
    this.#nodes = this.#nodes.filter((node) => !this.#isIdle(node, t));
    for (let i = 0; i < arrivals; i += 1) this.requests.push({ arrival: t, start: null });
    this.#dispatch(t);
    if (spec !== null) this.#scale(t, spec);
  }

  snapshot(t: number): Snapshot {
    const alive = this.#replicas.filter((replica) => !replica.removed);
    return {
      queue: this.requests.filter((request) => request.start === null).length,
      serving: this.#replicas.reduce((sum, replica) => sum + replica.serving.length, 0),
      pending: alive.filter((replica) => replica.node === null).length,
      starting: alive.filter((replica) => replica.node !== null && !this.#serves(replica, t)).length,
      ready: alive.filter((replica) => this.#serves(replica, t)).length,
      draining: this.#replicas.length - alive.length,
      nodes: this.#nodes.length,
    };
  }

  #finish(t: number): void {
    for (const replica of this.#replicas) {
      replica.serving = replica.serving.filter(
        (request) => (request.start ?? 0) + this.#setup.serviceTime > t,
      );
    }
    for (const replica of this.#replicas.filter((one) => one.removed && one.serving.length === 0)) {
      this.#delete(replica, t);
    }
  }

  /** A replica that got ready in the very second of its binding is seen by the next one. */
  #serves(replica: NaiveReplica, t: number): boolean {
    return replica.readyAt !== null && replica.readyAt <= t && !this.#boundNow.has(replica);
  }

  #bind(t: number): void {
    this.#boundNow.clear();
    this.#bindPending(t);
    this.#boundNow.clear();
  }

  #bindPending(t: number): void {
    for (const replica of this.#replicas.filter((one) => one.node === null)) {
      const node = this.#roomiest(t);
      if (node === undefined) return;
      replica.node = node;
      replica.readyAt = t + this.#setup.modelLoad;
      this.#boundNow.add(replica);
    }
  }

  #dispatch(t: number): void {
    for (const request of this.requests.filter((one) => one.start === null)) {
      const free = this.#replicas
        .filter((one) => !one.removed && this.#serves(one, t) && one.serving.length < this.#setup.slots)
        .toSorted((a, b) => a.serving.length - b.serving.length || this.#byReadiness(a, b));
      if (free[0] === undefined) return;
      request.start = t;
      free[0].serving.push(request);
    }
  }

  #scale(t: number, spec: number): void {
    const alive = () => this.#replicas.filter((replica) => !replica.removed);
    const grows = alive().length < spec;
    while (alive().length < spec) {
      this.#replicas.push({
        age: (this.#births += 1),
        node: null,
        readyAt: null,
        removed: false,
        serving: [],
      });
    }
    if (grows) this.#bindPending(t);
    if (grows) this.#provision(t);
    if (grows) this.#bindPending(t);
    while (alive().length > spec) this.#remove(alive(), t);
  }

  #provision(t: number): void {
    const pending = this.#replicas.filter((replica) => replica.node === null).length;
    const coming = this.#nodes.filter((node) => node.readyAt > t).length;
    const wanted = Math.ceil(pending / this.#setup.gpusPerNode) - coming;
    for (let i = 0; i < wanted; i += 1) {
      const readyAt = t + this.#setup.nodeProvision;
      this.#nodes.push({ readyAt, emptyAt: readyAt });
    }
  }

  #remove(alive: NaiveReplica[], t: number): void {
    const pending = alive.find((replica) => replica.node === null);
    const starting = alive.filter((one) => one.node !== null && !this.#serves(one, t));
    const ready = alive.filter((one) => this.#serves(one, t));
    const last = (list: NaiveReplica[]) => list.toSorted((a, b) => this.#byReadiness(a, b)).at(-1);
    const victim = pending ?? last(starting) ?? last(ready);
    if (victim === undefined) return;
    if (victim.serving.length > 0) victim.removed = true;
    else this.#delete(victim, t);
  }

  #byReadiness(a: NaiveReplica, b: NaiveReplica): number {
    return (a.readyAt ?? Infinity) - (b.readyAt ?? Infinity) || a.age - b.age;
  }

  #delete(replica: NaiveReplica, t: number): void {
    this.#replicas = this.#replicas.filter((one) => one !== replica);
    if (replica.node !== null && this.#podsOn(replica.node) === 0) replica.node.emptyAt = t;
  }

  #podsOn(node: NaiveNode): number {
    return this.#replicas.filter((replica) => replica.node === node).length;
  }

  #isIdle(node: NaiveNode, t: number): boolean {
    return this.#podsOn(node) === 0 && t >= (node.emptyAt ?? 0) + this.#setup.nodeIdle;
  }

  /** The ready node with room that is fullest, and of empty ones the one that emptied last. */
  #roomiest(t: number): NaiveNode | undefined {
    return this.#nodes
      .filter((node) => node.readyAt <= t && this.#podsOn(node) < this.#setup.gpusPerNode)
      .toSorted((a, b) => this.#podsOn(a) - this.#podsOn(b) || (a.emptyAt ?? 0) - (b.emptyAt ?? 0))
      .at(-1);
  }
}
