import type { SignalReport } from './decision.js';
import { figure, type Demand } from './demand.js';
import type { SignalPolicy, WakePolicy } from './policy.js';
import type { Evidence, Faults, Weighed } from './read.js';

const none: Faults = { unsound: 0, stale: 0, duplicate: 0 };

/** A signal that was counted. */
export function reportSignal(
  { signal, evidence }: Weighed,
  demand: Pick<Demand, 'raw' | 'demand' | 'why'> | null,
): SignalReport {
  if (evidence.kind !== 'fresh' || demand === null) return reportAbsence({ signal, evidence });
  return {
    ...head(signal),
    evidence: 'fresh',
    raw: demand.raw,
    demand: demand.demand,
    pods: evidence.samples.filter((sample) => sample.pod !== null).length,
    age: evidence.age,
    faults: evidence.faults,
    why: demand.why,
  };
}

/** A signal that had nothing to say. */
export function reportAbsence({ signal, evidence }: Weighed): SignalReport {
  return {
    ...head(signal),
    evidence: evidence.kind,
    raw: evidence.kind === 'idle' ? 0 : null,
    demand: evidence.kind === 'idle' ? 0 : null,
    pods: 0,
    age: null,
    faults: evidence.kind === 'absent' ? evidence.faults : none,
    why: evidence.kind === 'idle' || evidence.kind === 'absent' ? evidence.why : 'not read',
  };
}

/** The signal that speaks while no pod reports. */
export function reportWake(wake: WakePolicy, evidence: Evidence): SignalReport {
  if (evidence.kind !== 'fresh') return { ...reportAbsence({ signal: wake, evidence }), role: 'wake' };
  const raw = evidence.samples.reduce((sum, sample) => sum + sample.value, 0);
  const why = `${wake.profile} ${figure(raw)} ${wake.unit}`;
  const report = reportSignal({ signal: wake, evidence }, { raw, demand: raw / wake.target, why });
  return { ...report, role: 'wake' };
}

function head({
  profile,
  unit,
  target,
}: SignalPolicy): Pick<SignalReport, 'profile' | 'role' | 'unit' | 'target'> {
  return { profile, role: 'demand', unit, target };
}
