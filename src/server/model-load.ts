import type { Sample } from '../core/observation.js';
import { SECOND, type Millis } from '../core/time.js';

/** How long model servers say that they took to load, by ScaledObject (NAMESPACE/NAME): that of its last pods. */
export class ModelLoads {
  readonly #loads = new Map<string, Millis>();

  /** @param samples seconds; of a pod with several the longest counts, since servers load several models at once */
  note(id: string, samples: readonly Sample[]): void {
    const longest = new Map<string, number>();
    for (const { pod, value } of samples) {
      // A model that has not been loaded shows 0, and so does the second series of one that has.
      if (pod === null || !Number.isFinite(value) || value <= 0) continue;
      longest.set(pod, Math.max(value, longest.get(pod) ?? 0));
    }
    if (longest.size === 0) return;
    const sum = [...longest.values()].reduce((total, seconds) => total + seconds, 0);
    this.#loads.set(id, (sum / longest.size) * SECOND);
  }

  /** The mean of its pods; null: none has said so. */
  of(id: string): Millis | null {
    return this.#loads.get(id) ?? null;
  }

  keep(ids: ReadonlySet<string>): void {
    for (const id of this.#loads.keys()) if (!ids.has(id)) this.#loads.delete(id);
  }
}
