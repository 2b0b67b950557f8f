import type { SignalReport } from './decision.js';
import { figure, sumOf, type Demand } from './demand.js';
import type { Sample } from './observation.js';
import type { WakePolicy } from './policy.js';
import { NO_FAULTS, type Evidence, type Weighed } from './read.js';

// Fields are written out: a spread that then gains fields costs V8 ten times as much, at each signal of each tick.

/** A signal that was counted. */
export function reportSignal(
  { signal, evidence }: Weighed,
  demand: Pick<Demand, 'raw' | 'demand' | 'why'> | null,
  role: SignalReport['role'] = 'demand',
): SignalReport {
  if (evidence.kind !== 'fresh' || demand === null) return absence({ signal, evidence }, role);
  return {
    profile: signal.profile,
    role,
    unit: signal.unit,
    target: signal.target,
    evidence: 'fresh',
    raw: demand.raw,
    demand: demand.demand,
    pods: named(evidence.samples),
    age: evidence.age,
    faults: evidence.faults,
    why: demand.why,
  };
}

/** A signal that had nothing to say. */
export function reportAbsence(weighed: Weighed): SignalReport {
  return absence(weighed, 'demand');
}

/** The signal that speaks while no pod reports. */
export function reportWake(wake: WakePolicy, evidence: Evidence): SignalReport {
  if (evidence.kind !== 'fresh') return absence({ signal: wake, evidence }, 'wake');
  const raw = sumOf(evidence.samples);
  const why = `${wake.profile} ${figure(raw)} ${wake.unit}`;
  return reportSignal({ signal: wake, evidence }, { raw, demand: raw / wake.target, why }, 'wake');
}

/** How many samples name their pod. */
function named(samples: readonly Sample[]): number {
  let count = 0;
  for (const { pod } of samples) if (pod !== null) count += 1;
  return count;
}

function absence({ signal, evidence }: Weighed, role: SignalReport['role']): SignalReport {
  return {
    profile: signal.profile,
    role,
    unit: signal.unit,
    target: signal.target,
    evidence: evidence.kind,
    raw: evidence.kind === 'idle' ? 0 : null,
    demand: evidence.kind === 'idle' ? 0 : null,
    pods: 0,
    age: null,
    faults: evidence.kind === 'absent' ? evidence.faults : NO_FAULTS,
    why: evidence.kind === 'idle' || evidence.kind === 'absent' ? evidence.why : 'not read',
  };
}
