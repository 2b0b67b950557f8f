import { mkdirSync, writeFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { decide } from '../../src/core/decide.js';
import { arrivalsSince, type LoadSeen } from '../../src/core/forecast/arrivals.js';
import { createForesight, foresee, see } from '../../src/core/forecast/foresight.js';
import { planLoad } from '../../src/core/forecast/load-plan.js';
import { loadNow } from '../../src/core/forecast/load.js';
import type { ForecastMemory } from '../../src/core/forecast/memory.js';
import { encodeMemory } from '../../src/core/forecast/snapshot.js';
import type { Observation } from '../../src/core/observation.js';
import { weigh } from '../../src/core/read.js';
import { initialState } from '../../src/core/state.js';
import { loadProfiles } from '../../src/server/profiles-folder.js';
import { compileTrigger } from '../../src/policy/trigger.js';
import { machine, median } from './processes.js';

// `tsx test/bench/forecast.ts [WORKLOADS]`: what a tick costs where a workload forecasts, at a tick of 15 s for each, from
// readings of five pods to the decision. Aims: under 50 µs, 10 000 workloads under 30 % of a core, under 20 kB each.
const workloads = Number(process.argv[2] ?? 300);
const TICK = 15_000;
const START = 1_800_000_000_000;
/** A quarter of an hour until the first forecast, then long enough that questions are answered, then measured. */
const WARM_UP = 600;
const MEASURED = 240;

const metadata = {
  profile: 'vllm-concurrency',
  slots: '8',
  serviceTime: '8s',
  slo: '10s@99%',
  maxReplicas: '20',
  leadTime: '5m',
};

function policyOf(forecast: 'on' | 'off') {
  const compiled = compileTrigger({ ...metadata, forecast }, loadProfiles(undefined));
  if (!compiled.ok) throw new Error(compiled.problems.map(({ message }) => message).join('\n'));
  return compiled.trigger.policy;
}

/** Five pods whose load swings over an hour and has noise, other for each workload. */
function readingsAt(workload: number, tick: number, now: number) {
  const swing = 20 + 18 * Math.sin((2 * Math.PI * (tick + workload * 7)) / 240);
  const samples = [0, 1, 2, 3, 4].map((pod) => {
    const noise = (((workload * 31 + tick * 17 + pod * 7) * 2_654_435_761) % 1000) / 200;
    return { pod: `w${workload}-${pod}`, value: Math.round(Math.max(0, swing / 5 + noise)), at: now - 3000 };
  });
  return { kind: 'answered', samples, exists: true } as const;
}

/** What each of the five has served so far: a request every two seconds. */
function countedAt(workload: number, tick: number, now: number) {
  const samples = [0, 1, 2, 3, 4].map((pod) => {
    return { pod: `w${workload}-${pod}`, value: tick * 8, at: now - 3000 };
  });
  return { kind: 'answered', samples, exists: true } as const;
}

/** @returns microseconds of each step */
function measured(forecast: 'on' | 'off'): {
  readonly micros: number[];
  readonly memory: ForecastMemory | null;
} {
  const policy = policyOf(forecast);
  const [signal] = policy.signals;
  const plan = planLoad([{ role: 'inSystem', tellsServed: true }]);
  if (signal === undefined || plan === null) throw new Error('expected a signal that tells the load');
  const states = Array.from({ length: workloads }, () => ({
    state: initialState,
    foresight: createForesight(policy),
    seen: null as LoadSeen | null,
  }));
  const micros: number[] = [];
  for (let tick = 0; tick < WARM_UP + MEASURED; tick += 1) {
    const now = START + tick * TICK;
    for (const [index, each] of states.entries()) {
      const reading = readingsAt(index, tick, now);
      const served = countedAt(index, tick, now);
      const began = performance.now();
      const base: Observation = {
        readings: [reading],
        wake: { kind: 'unread' },
        replicas: { current: 5, ready: 5 },
        hpaAsks: true,
      };
      let observation = base;
      if (each.foresight !== null) {
        const known = {
          signals: [weigh(reading, signal, now)],
          served: weigh(served, signal, now),
          wake: { kind: 'unread' } as const,
          wakeRole: 'none' as const,
          replicas: base.replicas,
          current: 5,
          full: 1,
        };
        const load = loadNow(plan, known, each.seen?.counted ?? new Map(), each.foresight.settings, now);
        const taken = load === null ? null : arrivalsSince(each.seen, load);
        each.seen = taken?.seen ?? each.seen;
        if (taken?.sample) see(each.foresight, taken.sample);
        observation = { ...base, forecast: foresee(each.foresight, 5, now) };
      }
      each.state = decide(each.state, observation, policy, now).state;
      if (tick >= WARM_UP) micros.push((performance.now() - began) * 1000);
    }
  }
  return { micros, memory: states[0]?.foresight?.memory ?? null };
}

/** Of all columns, and 8 for each number. */
function bytesOf(part: unknown): number {
  if (ArrayBuffer.isView(part)) return part.byteLength;
  if (typeof part !== 'object' || part === null) return 8;
  return Object.values(part).reduce<number>((sum, each) => sum + bytesOf(each), 0);
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, each) => sum + each, 0) / values.length;
}

const without = measured('off');
const forecasting = measured('on');
const step = { median: median(forecasting.micros), mean: mean(forecasting.micros) };
const results = {
  at: new Date().toISOString(),
  machine: machine(),
  workloads,
  tickSeconds: TICK / 1000,
  stepMicros: step,
  withoutForecastMicros: { median: median(without.micros), mean: mean(without.micros) },
  /** Of one core, at a tick of 15 s. */
  shareOfCoreFor10000: (10_000 * step.mean) / (TICK * 1000),
  stateBytes: bytesOf(forecasting.memory),
  savedBytes: forecasting.memory === null ? 0 : JSON.stringify(encodeMemory(forecasting.memory)).length,
  aims: { stepMicrosMedian: 50, shareOfCoreFor10000: 0.3, stateBytes: 20_000 },
};
mkdirSync('bench-results', { recursive: true });
writeFileSync('bench-results/forecast.json', `${JSON.stringify(results, null, 2)}\n`);
console.log(JSON.stringify(results, null, 2));
