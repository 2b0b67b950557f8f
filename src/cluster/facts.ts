import type { ReplicaCounts, Waiting, WorkloadFacts } from '../ports/cluster.js';
import type { Millis } from '../core/time.js';
import type { SeenPod } from './objects/pod.js';
import type { SeenScaledObject } from './objects/scaled-object.js';
import type { SeenTarget } from './objects/scale-target.js';

/** @param pods those whose controller the target is, of all its revisions */
export function factsOf(
  scaledObject: SeenScaledObject,
  target: SeenTarget,
  pods: Iterable<SeenPod>,
  asOf: Millis,
): WorkloadFacts {
  const { replicas, waiting } = countReplicas(target.replicas, pods);
  const { minReplicas, maxReplicas, idleReplicas, pollingInterval, cooldown, tolerance, behavior, paused } =
    scaledObject;
  return {
    uid: scaledObject.uid,
    target: { namespace: target.namespace, kind: target.kind, name: target.name },
    replicas,
    waiting,
    minReplicas,
    maxReplicas,
    idleReplicas,
    pollingInterval,
    cooldown,
    tolerance,
    behavior,
    paused,
    shape: target.shape,
    asOf,
  };
}

/**
 * Pods that drain or have ended are no replicas. Of a rollout the pods of both revisions count: with a surge there are more
 * than `current`, and all that are ready do serve.
 *
 * @param current spec.replicas of the target
 */
export function countReplicas(
  current: number,
  pods: Iterable<SeenPod>,
): { replicas: ReplicaCounts; waiting: Waiting[] } {
  const counts = { ready: 0, starting: 0, pending: 0 };
  const waiting = new Map<Waiting['reason'], Waiting>();
  const wait = (reason: Waiting['reason'], pods: number, detail: string | null) => {
    const known = waiting.get(reason);
    waiting.set(reason, { reason, pods: pods + (known?.pods ?? 0), detail: known?.detail ?? detail });
  };
  for (const pod of pods) {
    if (pod.deleting || hasEnded(pod)) continue;
    if (pod.ready) counts.ready += 1;
    else if (pod.node === null) counts.pending += 1;
    else counts.starting += 1;
    if (pod.waiting !== null) wait(pod.waiting, 1, pod.detail);
  }
  const missing = current - counts.ready - counts.starting - counts.pending;
  if (missing > 0) {
    counts.pending += missing;
    wait('not-created', missing, null);
  }
  return {
    replicas: { current, ...counts },
    waiting: [...waiting.values()].sort((one, other) => other.pods - one.pods),
  };
}

function hasEnded({ phase }: SeenPod): boolean {
  return phase === 'Succeeded' || phase === 'Failed';
}
