import type { Millis } from '../../core/time.js';
import type { Clock } from '../../ports/clock.js';
import type { WarmUpSteps } from '../../ports/warm-up-steps.js';
import { pause } from '../pause.js';

export interface NoClusterParts {
  /** Replicas of the workload that are ready, as far as the last decision knows; null where it does not. */
  readonly readyReplicas: (workload: string) => number | null;
  readonly warmModel: WarmUpSteps['warmModel'];
  readonly clock: Clock;
}

const LOOK_EVERY: Millis = 500;

/** The steps without access to the cluster: nothing to hold nodes with, and ready is what the signals show. */
export function stepsWithoutCluster({ readyReplicas, warmModel, clock }: NoClusterParts): WarmUpSteps {
  return {
    holdNodes: () => Promise.resolve({ outcome: 'nothing', note: 'no cluster access', split: {} }),
    releaseNodes: () => Promise.resolve(),
    warmModel,
    async waitReady({ workload }, { signal, replicas }) {
      const began = clock.now();
      for (;;) {
        const ready = readyReplicas(workload);
        if (ready !== null && ready >= replicas()) {
          const waited = Math.round(Math.max(0, clock.now() - began) / 1000);
          return { outcome: 'done', note: `${ready} ready after ${waited} s`, split: {} };
        }
        await pause(LOOK_EVERY, signal);
      }
    },
  };
}
