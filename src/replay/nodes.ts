/** A GPU node, paid from the moment it is asked for until it goes. */
export interface Node {
  /** The second from which pods can be bound to it. */
  readonly ready: number;
  /** GPUs that replicas on it hold, draining ones included. */
  taken: number;
  /** Since when it has been empty: the second it became ready, or its last pod left. */
  emptySince: number;
}

/** What the cluster autoscaler does, as far as one workload sees it. */
export interface NodePool {
  readonly provision: number;
  readonly idle: number;
  readonly gpusPerNode: number;
  /** Everything that is paid for. In the order of asking. */
  nodes: Node[];
}

export function nodePool(provision: number, idle: number, gpusPerNode: number): NodePool {
  return { provision, idle, gpusPerNode, nodes: [] };
}

/** So many GPUs that are there from the first second to the last, and no more. */
export function standingPool(gpus: number): NodePool {
  const pool = nodePool(0, Infinity, gpus);
  standingNode(pool, 0);
  return pool;
}

/** A node that is there from the start, for a pod of the first second. */
export function standingNode(pool: NodePool, t: number): Node {
  const node = { ready: t, taken: 0, emptySince: t };
  pool.nodes.push(node);
  return node;
}

/**
 * A node with so many free GPUs for a pod now, or null. The fullest node first, so that others empty; among empty ones the one that emptied
 * last, so that the others reach their idle time and go.
 */
export function freeGpu(pool: NodePool, t: number, gpus: number): Node | null {
  let best: Node | null = null;
  for (const node of pool.nodes) {
    if (node.ready > t || node.taken + gpus > pool.gpusPerNode) continue;
    if (
      best === null ||
      node.taken > best.taken ||
      (node.taken === best.taken && node.emptySince >= best.emptySince)
    ) {
      best = node;
    }
  }
  return best;
}

/** Asks for as many nodes as the waiting pods need beyond those that are already on their way. */
export function provisionFor(pool: NodePool, pendingPods: number, t: number): void {
  const needed = Math.ceil(pendingPods / pool.gpusPerNode);
  for (let coming = nodesComing(pool, t); coming < needed; coming += 1) {
    const ready = t + pool.provision;
    pool.nodes.push({ ready, taken: 0, emptySince: ready });
  }
}

export function leaveNode(node: Node, t: number, gpus: number): void {
  node.taken -= gpus;
  if (node.taken === 0) node.emptySince = t;
}

/** Gives back the nodes that have been empty for the idle time. */
export function removeIdleNodes(pool: NodePool, t: number): void {
  if (pool.nodes.some((node) => idleOut(pool, node, t))) {
    pool.nodes = pool.nodes.filter((node) => !idleOut(pool, node, t));
  }
}

function nodesComing(pool: NodePool, t: number): number {
  let coming = 0;
  for (const node of pool.nodes) if (node.ready > t) coming += 1;
  return coming;
}

function idleOut(pool: NodePool, node: Node, t: number): boolean {
  return node.taken === 0 && t >= node.emptySince + pool.idle;
}
