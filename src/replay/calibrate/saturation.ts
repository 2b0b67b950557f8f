import type { Profile } from '../../policy/profile.js';
import { fullness } from './signals.js';
import type { Step } from './step.js';

/** From here on a resource counts as full. */
const FULL = 0.9;
/** Below this the GPU is waiting for something else. */
const GPU_IDLE = 0.6;

/** What is full where the replica is. */
export interface Saturation {
  /** Of the step that is told of. */
  readonly load: number;
  /** Shares of the limits, 0 to 1, the fullest first. */
  readonly shares: readonly { readonly name: string; readonly share: number }[];
  /**
   * `cpu`: the CPU is full and the GPU is not, so replicas are to be counted by the CPU. `full`: the fullest is at its
   * limit. `slots`: nothing that was measured is, so the slots are full. `unknown`: nothing was measured.
   */
  readonly verdict: 'cpu' | 'full' | 'slots' | 'unknown';
}

/**
 * Which resource is full first. A CPU over 90 % beside a GPU under 60 % is the case of small GPUs behind image decoding,
 * such as EKS g4dn with a T4, where scaling on the GPU never adds the replica that is needed.
 *
 * @param steps from the knee to the first step beyond it: the first at which something is full decides
 */
export function saturationOf(steps: readonly Step[], profiles: readonly Profile[]): Saturation {
  const each = steps.map((step) => saturationAt(step, profiles));
  const full = each.find(({ verdict }) => verdict === 'cpu' || verdict === 'full');
  return full ?? each[0] ?? { load: 0, shares: [], verdict: 'unknown' };
}

function saturationAt(step: Step, profiles: readonly Profile[]): Saturation {
  const found = fullness(step, profiles);
  const shares = [...found]
    .map(([name, share]) => ({ name, share }))
    .toSorted((a, b) => b.share - a.share || a.name.localeCompare(b.name));
  return { load: step.load, shares, verdict: verdictOf(found, shares[0]?.share) };
}

function verdictOf(found: ReadonlyMap<string, number>, most: number | undefined): Saturation['verdict'] {
  if (most === undefined) return 'unknown';
  const [cpu = 0, gpu = 0] = [found.get('CPU'), found.get('GPU')];
  if (cpu > FULL && gpu < GPU_IDLE) return 'cpu';
  return most > FULL ? 'full' : 'slots';
}
