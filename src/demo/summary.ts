import type { SimulatedDeployment } from './deployment.js';
import type { Load, Wake } from './history.js';
import { STEPS_PER_SECOND } from './simulation.js';
import type { WarmUpNote } from './warm-ups.js';

/** What became of one workload. */
export interface WorkloadSummary {
  readonly name: string;
  readonly wakes: readonly Wake[];
  readonly loads: readonly Load[];
  readonly announced: boolean;
  /** The last one; null: none. */
  readonly warmUp: WarmUpNote | null;
  readonly peak: number;
  readonly replicas: number;
  readonly requests: number;
  /** GPU-seconds of the story: one for each pod, from its creation until it is gone. */
  readonly gpuSeconds: number;
  /** The same for its peak replicas from beginning to end. */
  readonly alwaysOn: number;
}

export interface Summary {
  readonly workloads: readonly WorkloadSummary[];
  /** Seconds of the story that were shown, and how many of them pass in a real one. */
  readonly seconds: number;
  readonly speed: number;
  /** Where warm-ups were kept; null: nowhere. */
  readonly keptIn: string | null;
  /** What did not go as the story has it; only of stories that were shown to their end. */
  readonly problems: readonly string[];
}

export function summaryOf(
  deployments: readonly SimulatedDeployment[],
  speed: number,
  warmUps: { readonly notes: readonly WarmUpNote[]; readonly keptIn: string | null },
  complete: boolean,
): Summary {
  const workloads = deployments.map((each) => workloadSummary(each, warmUps.notes));
  const steps = Math.max(0, ...deployments.map((deployment) => deployment.service.now));
  return {
    workloads,
    seconds: steps / STEPS_PER_SECOND,
    speed,
    keptIn: warmUps.keptIn,
    problems: complete ? workloads.flatMap(problemsOf) : [],
  };
}

function workloadSummary(
  { workload, service, history, counts }: SimulatedDeployment,
  notes: readonly WarmUpNote[],
): WorkloadSummary {
  return {
    name: workload.name,
    wakes: history.wakes,
    loads: history.loads,
    announced: workload.announced !== null,
    warmUp: notes.findLast((note) => note.workload === workload.name) ?? null,
    peak: history.peak,
    replicas: counts.spec,
    requests: service.arrived,
    gpuSeconds: service.podSteps / STEPS_PER_SECOND,
    alwaysOn: (history.peak * service.now) / STEPS_PER_SECOND,
  };
}

function problemsOf({ name, wakes, peak, replicas }: WorkloadSummary): string[] {
  if (replicas > 0) return [`${name} ended at ${replicas} replicas, expected 0`];
  if (!wakes.some((wake) => wake.readyAt !== null)) return [`${name} never woke`];
  return peak > 1 ? [] : [`${name} never went beyond 1 replica`];
}
