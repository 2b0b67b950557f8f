import type { Show } from '../demo.js';
import type { Snapshot } from '../snapshot.js';

/** One JSON line for each change of replicas or of a warm-up and, each second, for each workload. `t` in real seconds since the start. */
export function jsonShow(print: (line: string) => void): Show {
  const line = (
    kind: 'change' | 'second' | 'warm-up',
    { t, at, workloads }: Snapshot,
    only: string | null,
    more: object,
  ) => {
    for (const { name, phase, rate, waiting, replicas, ready, desired, active, reason } of workloads) {
      if (only !== null && name !== only) continue;
      const load = { phase, rate: rounded(rate), waiting };
      const story = rounded(at);
      print(
        JSON.stringify({
          kind,
          t: rounded(t),
          story,
          workload: name,
          replicas,
          ready,
          desired,
          active,
          reason,
          ...load,
          ...more,
        }),
      );
    }
  };
  return {
    started: () => undefined,
    refreshed: () => undefined,
    changed({ workload, from, by, reason }, snapshot) {
      line('change', snapshot, workload, { from, by: by.name, limited: by.limited, reason });
    },
    warmed({ workload, phase, replicas, why }, snapshot) {
      line('warm-up', snapshot, workload, { warmUp: { phase, replicas }, reason: why });
    },
    second: (snapshot) => line('second', snapshot, null, {}),
    ended: () => undefined,
  };
}

function rounded(value: number): number {
  return Number(value.toFixed(3));
}
