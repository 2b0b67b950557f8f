import { figure, sumOf } from './demand.js';
import type { WakePolicy } from './policy.js';
import type { Evidence } from './read.js';

export interface Wake {
  /** `speaks`: it was read and means something. `nothing`: there is no such signal. `silent`: it should be there and is not. */
  readonly kind: 'speaks' | 'nothing' | 'silent';
  readonly replicas: number;
  readonly why: string;
}

/** How many replicas the wake signal asks for at zero: 0, 1, or what its own target says where that is known. */
export function wakeReplicas(wake: WakePolicy | null, evidence: Evidence): Wake {
  if (wake === null)
    return { kind: 'nothing', replicas: 0, why: 'no pod reports, and there is no wake signal' };
  switch (evidence.kind) {
    case 'idle':
      return { kind: 'speaks', replicas: 0, why: `at zero: ${evidence.why}` };
    case 'absent':
      return {
        kind: evidence.nobody && !wake.required ? 'nothing' : 'silent',
        replicas: 0,
        why: `no pod reports; ${evidence.why}`,
      };
    case 'unread':
      return { kind: 'silent', replicas: 0, why: `no pod reports; ${wake.profile} has not been read yet` };
    case 'fresh': {
      const raw = sumOf(evidence.samples);
      const seen = `${wake.profile} ${figure(raw)} ${wake.unit}`;
      if (raw <= wake.activation)
        return {
          kind: 'speaks',
          replicas: 0,
          why: `at zero: ${seen}, wakes above ${figure(wake.activation)}`,
        };
      const replicas = wake.sized ? Math.max(1, Math.ceil(raw / wake.target)) : 1;
      return { kind: 'speaks', replicas, why: `woken: ${seen} is above ${figure(wake.activation)}` };
    }
  }
}
