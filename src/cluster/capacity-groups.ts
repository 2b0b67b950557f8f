import { stepwise, type Steps } from '../core/steps.js';
import type { Millis } from '../core/time.js';
import type { Node, Pod } from '../ports/cluster-objects.js';
import { nodeKind, textOf } from './capacity-kind.js';
import type { NodePool } from './capacity-pools.js';
import { needsOf, type ReplicaShape } from './capacity-shape.js';
import { isComing, looksComing } from './capacity-usable.js';

/** Nodes of one pool that are alike in all that a shape looks at: what holds of one holds of all. */
export interface NodeGroup {
  /** The first of them, in the order of the pool. */
  readonly node: Node;
  /** On that node. */
  readonly pods: readonly Pod[];
  /** Those of them that a new node would have too. */
  readonly daemons: readonly Pod[];
  readonly count: number;
  readonly youngest: Node;
}

interface OpenGroup extends NodeGroup {
  count: number;
  youngest: Node;
}

export interface NodeGroupsInput {
  readonly now: Millis;
  /** Pods that hold resources, by node. */
  readonly podsOn: ReadonlyMap<string, readonly Pod[]>;
  readonly memoryOf: (pod: Pod) => number | null;
}

const NOBODY: readonly Pod[] = [];
const BETWEEN_YIELDS = 32;

/**
 * Puts nodes that are alike together, once for all shapes that name the same labels: of five thousand nodes a few dozen
 * are different, and a shape is compared with those.
 */
export class NodeGroups {
  readonly #input: NodeGroupsInput;
  readonly #alike = new Map<NodePool, readonly string[]>();
  readonly #groups = new Map<NodePool, Map<string, readonly NodeGroup[]>>();
  readonly #numbers = new Map<string, number>();

  constructor(input: NodeGroupsInput) {
    this.#input = input;
  }

  /** In the order of their first nodes. */
  *of(pool: NodePool, shape: ReplicaShape): Steps<readonly NodeGroup[]> {
    const { labels, names, looksAt } = needsOf(shape);
    const known = this.#groups.get(pool) ?? new Map<string, readonly NodeGroup[]>();
    this.#groups.set(pool, known);
    const before = known.get(looksAt);
    if (before !== undefined) return before;
    const alike = yield* this.#alikeIn(pool);
    const groups = new Map<string, OpenGroup>();
    let index = 0;
    yield* stepwise(pool.nodes, BETWEEN_YIELDS, (node) => {
      let key = alike[index] ?? '';
      index += 1;
      for (const label of labels) key += ` ${this.#number(node.labels[label])}`;
      if (names) key += ` ${node.name}`;
      const group = groups.get(key);
      if (group === undefined) groups.set(key, this.#opened(node));
      else {
        group.count += 1;
        if (isYounger(node, group.youngest)) group.youngest = node;
      }
    });
    const found = [...groups.values()];
    known.set(looksAt, found);
    return found;
  }

  #opened(node: Node): OpenGroup {
    const pods = this.#input.podsOn.get(node.name) ?? NOBODY;
    return { node, pods, daemons: pods.filter(isDaemon), count: 1, youngest: node };
  }

  /** For each node what it is, without the labels that shapes name: equal for those that are alike. */
  *#alikeIn(pool: NodePool): Steps<readonly string[]> {
    const before = this.#alike.get(pool);
    if (before !== undefined) return before;
    const { now, podsOn, memoryOf } = this.#input;
    const gpuMemory = pool.config?.gpuMemory ?? null;
    const alike: string[] = [];
    yield* stepwise(pool.nodes, BETWEEN_YIELDS, (node) => {
      const taken: string[] = [];
      for (const pod of podsOn.get(node.name) ?? NOBODY) {
        taken.push(`${this.#number(textOf(pod.requests))}${isDaemon(pod) ? 'd' : 'p'}${memoryOf(pod) ?? ''}`);
      }
      // What is said of a node on its way names the time since when.
      const age = looksComing(node) && isComing(node, now) ? node.createdAt : '';
      const kind = this.#number(nodeKind(node, gpuMemory));
      alike.push(`${kind} ${age} ${taken.toSorted().join()}`);
    });
    this.#alike.set(pool, alike);
    return alike;
  }

  /** Short for a text, so that keys are. */
  #number(text: string | undefined): number {
    if (text === undefined) return -1;
    const number = this.#numbers.get(text) ?? this.#numbers.size;
    this.#numbers.set(text, number);
    return number;
  }
}

export function isYounger(a: Node, b: Node): boolean {
  return a.createdAt > b.createdAt || (a.createdAt === b.createdAt && a.name < b.name);
}

function isDaemon({ owner }: Pod): boolean {
  return owner?.kind === 'DaemonSet';
}
