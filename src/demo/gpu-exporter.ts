import type { Gpu } from './expositions.js';
import { isReady, STEPS_PER_SECOND, type Pod } from './simulation.js';

/** GPUs of the simulated nodes; those that no pod holds are printed without pod labels. */
const GPUS = 20;

/** The DCGM exporter collects every 30 s unless told otherwise; 10 s is what people set who scale on it. */
export const COLLECT_EVERY = 10 * STEPS_PER_SECOND;

/** Loading a model runs kernels too: weights are laid out, graphs captured, the first requests tried. Percent. */
const WHILE_LOADING = 20;

export interface PodOnGpu {
  readonly pod: Pod;
  readonly namespace: string;
  readonly container: string;
}

/** What the exporter read at one moment, and what it needs to know at the next. */
export interface Collection {
  readonly at: number;
  readonly gpus: readonly Gpu[];
  /** Busy steps of each pod up to `at`, and the GPU that it holds. */
  readonly pods: ReadonlyMap<string, { readonly busy: number; readonly gpu: number }>;
}

export const NOTHING_COLLECTED: Collection = { at: 0, gpus: [], pods: new Map() };

/** Utilisation since the collection before, or since the pod's creation. A pod keeps its GPU until it is gone. */
export function collect(before: Collection, holders: readonly PodOnGpu[], now: number): Collection {
  const taken = new Set(holders.flatMap(({ pod }) => before.pods.get(pod.name)?.gpu ?? []));
  const pods = new Map<string, { busy: number; gpu: number }>();
  const held = new Map<number, Gpu>();
  for (const { pod, namespace, container } of holders) {
    const known = before.pods.get(pod.name);
    const index = known?.gpu ?? lowestFree(taken);
    taken.add(index);
    const since = known === undefined ? pod.createdAt : before.at;
    const busy = pod.totals.busy - (known?.busy ?? 0);
    const share = now > since ? (100 * busy) / (now - since) : 0;
    const utilisation = isReady(pod, now) || pod.leaving ? share : WHILE_LOADING;
    pods.set(pod.name, { busy: pod.totals.busy, gpu: index });
    held.set(index, { index, pod: { name: pod.name, namespace, container }, utilisation });
  }
  const count = Math.max(GPUS, ...[...held.keys()].map((index) => index + 1));
  const gpus = Array.from(
    { length: count },
    (_, index): Gpu => held.get(index) ?? { index, pod: null, utilisation: 0 },
  );
  return { at: now, gpus, pods };
}

function lowestFree(taken: ReadonlySet<number>): number {
  let index = 0;
  while (taken.has(index)) index += 1;
  return index;
}
