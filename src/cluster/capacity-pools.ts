import { stepwise, type Steps } from '../core/steps.js';
import type { PoolConfig } from '../policy/capacity-config.js';
import type { Node } from '../ports/cluster-objects.js';

/** Nodes that grow and shrink together. */
export interface NodePool {
  readonly name: string;
  /** Null for a pool that nobody declared. */
  readonly config: PoolConfig | null;
  /** All of them, cordoned and not ready ones too: they count towards the pool's maximum. */
  readonly nodes: readonly Node[];
}

/** By which clouds and autoscalers name a node's pool. */
const POOL_LABELS = [
  'cloud.google.com/gke-nodepool',
  'eks.amazonaws.com/nodegroup',
  'karpenter.sh/nodepool',
  'kubernetes.azure.com/agentpool',
  'agentpool',
];

/** The name of nodes that are in no pool that could be told. */
export const NO_POOL = 'other nodes';

/** Declared pools in their order, with or without nodes, then the others by name. A node is in the first that it matches. */
export function* poolsOf(nodes: readonly Node[], declared: readonly PoolConfig[]): Steps<NodePool[]> {
  const members = new Map<string, Node[]>(declared.map(({ name }) => [name, []]));
  const found = new Map<string, Node[]>();
  const matches = declared.map(({ name, match }) => ({ name, labels: Object.entries(match) }));
  yield* stepwise(nodes, 32, (node) => {
    const match = matches.find(({ labels }) => labels.every(([key, value]) => node.labels[key] === value));
    const [name, groups] = match === undefined ? [labelled(node), found] : [match.name, members];
    const group = groups.get(name);
    if (group === undefined) groups.set(name, [node]);
    else group.push(node);
  });
  return [
    ...declared.map((config) => ({ name: config.name, config, nodes: members.get(config.name) ?? [] })),
    ...[...found.keys()]
      .toSorted()
      .map((name) => ({ name: free(name, members), config: null, nodes: found.get(name) ?? [] })),
  ];
}

function labelled({ labels }: Node): string {
  for (const label of POOL_LABELS) {
    const name = labels[label];
    if (name !== undefined && name !== '') return name;
  }
  return NO_POOL;
}

/** A pool that nobody declared may have the name of one that somebody did, with other labels. */
function free(name: string, taken: ReadonlyMap<string, unknown>): string {
  return taken.has(name) ? `${name} (undeclared)` : name;
}
