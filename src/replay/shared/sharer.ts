import { wantedBy } from '../../core/capacity/rounds.js';
import type { Grant } from '../../core/observation.js';
import type { Trigger } from '../../policy/trigger.js';
import { countCost, courseOf, type Course } from '../course.js';
import type { Load } from '../load.js';
import type { NodePool } from '../nodes.js';
import type { Loops } from '../pilotlight/loops.js';
import { scaledObjectRun, type ScaledObjectRun } from '../pilotlight/manifest-policy.js';
import { startReplicas } from '../run.js';
import { isScored, scoreOf, type Score } from '../score.js';
import type { Setup } from '../setup.js';
import { boundReplicas, specReplicas, workloadOn } from '../workload.js';
import type { Claim } from './shares.js';
import { noteGrant, noteReplicas, type Yield } from './yields.js';

/** A ScaledObject that shares the pool, with what it has to serve. */
export interface Sharer {
  /** `namespace/name`, of which there is one in a pool. */
  readonly object: string;
  /** GPUs that each of its replicas takes. */
  readonly gpus: number;
  /** As long as those of the others. */
  readonly load: Load;
  /** `nodeProvision` and `nodeIdle` mean nothing: the pool is what it is. */
  readonly setup: Setup;
  readonly trigger: Trigger;
  readonly loops: Loops;
}

/** What became of a ScaledObject. Seconds are the scored ones, but for `longestWait` and `yields`. */
export interface SharerScore {
  readonly score: Score;
  readonly gpuSeconds: number;
  /** The most replicas that it wanted. */
  readonly wanted: number;
  /** The fewest that it was granted while it wanted more; null: it was always granted all. */
  readonly granted: number | null;
  /** Seconds in which it was granted fewer than it wanted. */
  readonly heldSeconds: number;
  /** Seconds of pods that waited for a GPU. */
  readonly pendingPodSeconds: number;
  /** Seconds that one pod waited for a GPU at the most. */
  readonly longestWait: number;
  readonly yields: readonly Yield[];
}

/** A ScaledObject in the middle of a run. */
export interface Member {
  readonly sharer: Sharer;
  readonly course: Course;
  readonly run: ScaledObjectRun;
  grant: Grant | null;
  readonly told: { wanted: number; granted: number | null; heldSeconds: number; pendingPodSeconds: number };
  readonly yields: Yield[];
}

export function memberOf(sharer: Sharer, pool: NodePool, replicas: number): Member {
  const { load, setup, trigger, loops, gpus } = sharer;
  return {
    sharer,
    course: courseOf(load, workloadOn(pool, setup, gpus, replicas), undefined),
    run: scaledObjectRun(trigger, loops, undefined, { startup: setup }),
    grant: null,
    told: { wanted: 0, granted: null, heldSeconds: 0, pendingPodSeconds: 0 },
    yields: [],
  };
}

/** What it claims while it wants so many replicas. */
export function claimOf({ object, gpus, setup, trigger: { policy }, loops }: Sharer, wanted: number): Claim {
  return {
    id: object,
    tier: policy.tier,
    gpus,
    // KEDA takes nothing beyond it.
    wanted: Math.min(wanted, setup.maxReplicas),
    minimum: Math.max(policy.minReplicas, loops.keda.minReplicaCount),
  };
}

/** Replicas that a load begins with where there is room for all. */
export function claimAtStart(sharer: Sharer): Claim {
  const { minReplicaCount, idleReplicaCount } = sharer.loops.keda;
  const least = idleReplicaCount ?? minReplicaCount;
  return claimOf(sharer, startReplicas(sharer.load, sharer.setup, least));
}

export function wantedNow({ run, course, sharer }: Member): number {
  return wantedBy(run.decision, specReplicas(course.workload), sharer.trigger.policy.dryRun);
}

/** @param atOnce replicas that it would be granted if nobody had wanted anything before */
export function noteTick(member: Member, t: number, atOnce: () => number): void {
  const current = specReplicas(member.course.workload);
  const granted = member.grant?.replicas ?? null;
  noteGrant(member.yields, t, { current, wanted: wantedNow(member), granted, atOnce });
}

export function noteSecond(member: Member, t: number): void {
  const { course, told, grant } = member;
  const { workload } = course;
  countCost(course, t);
  const wanted = wantedNow(member);
  const running = workload.starting.length + workload.ready.length;
  noteReplicas(member.yields, t, { bound: boundReplicas(workload), running, wanted });
  if (!isScored(course.sums, t)) return;
  told.pendingPodSeconds += workload.pending;
  told.wanted = Math.max(told.wanted, wanted);
  if (grant === null || wanted <= grant.replicas) return;
  told.heldSeconds += 1;
  told.granted = Math.min(told.granted ?? Infinity, grant.replicas);
}

export function sharerScore({ sharer, course, told, yields }: Member, longestWait: number): SharerScore {
  const score = scoreOf(course.sums, sharer.setup.slo);
  return { score, gpuSeconds: score.podSeconds * sharer.gpus, ...told, longestWait, yields };
}
