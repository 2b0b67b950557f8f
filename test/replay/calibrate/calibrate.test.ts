import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileTrigger } from '../../../src/policy/trigger.js';
import {
  calibrate,
  type CalibrateOptions,
  type Calibration,
} from '../../../src/replay/calibrate/calibrate.js';
import { costOf } from '../../../src/replay/calibrate/cost.js';
import { findingsOf } from '../../../src/replay/calibrate/findings.js';
import { metadataOf } from '../../../src/replay/calibrate/metadata.js';
import { LoadTestError, stepOf, type LoadTest, type Step } from '../../../src/replay/calibrate/step.js';
import { loadProfiles } from '../../../src/server/profiles-folder.js';
import { closedLoop, openLoop } from './replica.js';

const known = loadProfiles(undefined);
const profiles = [...known.values()];
const DOUBLINGS = [1, 2, 4, 8, 16, 32, 64, 128, 256];

function run(steps: readonly Step[], options: Partial<CalibrateOptions> = {}, test: Partial<LoadTest> = {}) {
  return calibrate(
    { format: 'test', steps, server: null, notes: [], ...test },
    { slo: null, share: 0.75, pricePerHour: null, batch: 1, profiles, asked: null, ...options },
  );
}

type Reached = Extract<Calibration, { kind: 'reached' }>;

function reached(...of: Parameters<typeof run>): Reached {
  const calibration = run(...of);
  if (calibration.kind === 'unreached') throw new Error(JSON.stringify(calibration.knee));
  return calibration;
}

function measured(rows: readonly Partial<Step>[]): Step[] {
  return rows.map((row, index) =>
    stepOf({ place: `test:${index}`, held: 'concurrency', load: 1, throughput: 1, ...row }),
  );
}

const replica = fc.record({
  slots: fc.integer({ min: 1, max: 64 }),
  serviceTime: fc.double({ min: 0.002, max: 30, noNaN: true }),
});

describe('a replica whose slots and service time are known', () => {
  it('is found again from a closed loop', () => {
    fc.assert(
      fc.property(replica, (truth) => {
        const { capacity, operation, steps, knee } = reached(closedLoop(truth, DOUBLINGS));
        expect(capacity?.slots).toBeCloseTo(truth.slots, 6);
        expect(capacity?.serviceTime).toBeCloseTo(truth.serviceTime, 9);
        expect(capacity?.saturated).toBe(true);
        // The knee lies between two steps: the last below the slots and the first at or above.
        expect(steps[knee.index]!.load).toBeLessThan(2 * truth.slots);
        expect(steps[knee.next]!.load).toBeGreaterThan(truth.slots);
        expect(operation.throughput).toBeCloseTo(0.75 * steps[knee.index]!.throughput, 9);
      }),
    );
  });

  it('is found again within 10 % when every step is off by up to 2 %', () => {
    const noise = fc.array(fc.double({ min: 0.98, max: 1.02, noNaN: true }), { minLength: 9, maxLength: 9 });
    fc.assert(
      fc.property(replica, noise, (truth, factors) => {
        const { capacity } = reached(closedLoop(truth, DOUBLINGS, factors));
        expect(Math.abs(capacity!.slots / truth.slots - 1)).toBeLessThan(0.1);
        expect(Math.abs(capacity!.serviceTime / truth.serviceTime - 1)).toBeLessThan(0.03);
      }),
    );
  });

  it('is found again from an open loop, where requests wait before the slots are full', () => {
    fc.assert(
      fc.property(replica, (truth) => {
        const most = truth.slots / truth.serviceTime;
        const shares = [0.02, 0.2, 0.4, 0.6, 0.8, 0.95, 1.2, 1.5];
        const calibration = reached(
          openLoop(
            truth,
            shares.map((share) => share * most),
          ),
        );
        expect(calibration.knee.why).toBe('behind');
        expect(Math.abs(calibration.capacity!.slots / truth.slots - 1)).toBeLessThan(0.05);
      }),
    );
  });

  it('is not guessed from data that stop before its slots are full', () => {
    fc.assert(
      fc.property(fc.integer({ min: 9, max: 64 }), (slots) => {
        const calibration = run(closedLoop({ slots, serviceTime: 0.1 }, [1, 2, 4, 8]));
        expect(calibration).toMatchObject({ kind: 'unreached', knee: { kind: 'open' } });
        const said = findingsOf(calibration).flat().join(' ');
        expect(said).toContain('not reached');
        expect(said).toContain('with 16 and 32 in flight');
      }),
    );
  });
});

describe('what is full first', () => {
  const g4dn = measured([
    { load: 1, throughput: 12, p99: 0.1, utilisation: { cpu: 0.2, gpu: 0.1 } },
    { load: 2, throughput: 24, p99: 0.11, utilisation: { cpu: 0.4, gpu: 0.21 } },
    { load: 4, throughput: 47, p99: 0.12, utilisation: { cpu: 0.78, gpu: 0.4 } },
    { load: 8, throughput: 60, p99: 0.19, utilisation: { cpu: 0.97, gpu: 0.5 } },
    { load: 16, throughput: 61, p99: 0.4, utilisation: { cpu: 0.99, gpu: 0.51 } },
  ]);

  it('is the CPU of an EKS g4dn, so that it is scaled on the CPU at 75 % of the knee', () => {
    const calibration = reached(g4dn);
    expect(calibration.saturation.verdict).toBe('cpu');
    // 45 requests/s lie between 24 at 40 % and 47 at 78 %.
    expect(calibration.choice?.target).toBeCloseTo(40 + (38 * 21) / 23, 6);
    expect(metadataOf(calibration)).toMatchObject({ profile: 'cpu-util', target: '74.7' });
  });

  it('is not the CPU alone where the GPU is nearly as full', () => {
    const both = g4dn.map((step) => ({ ...step, utilisation: { ...step.utilisation, gpu: 0.8 } }));
    expect(reached(both).saturation.verdict).toBe('full');
    expect(reached(both).choice?.profiles).not.toContain('cpu-util');
  });

  it('is looked for at the step that broke the objective where the knee has nothing full yet', () => {
    const calibration = reached(g4dn, { slo: 0.15 });
    expect(calibration.knee).toMatchObject({ index: 2, why: 'slo' });
    expect(calibration.saturation).toMatchObject({ verdict: 'cpu', load: 8 });
    // Throughput was flat from 8 on, whatever the objective said.
    expect(calibration.capacity?.saturated).toBe(true);
  });

  it('is the GPU where it is, and then the load itself is scaled on', () => {
    const busy = g4dn.map((step) => ({
      ...step,
      utilisation: {
        cpu: (step.utilisation.cpu ?? 0) / 3,
        gpu: Math.min(1, (step.utilisation.gpu ?? 0) * 2),
      },
    }));
    const calibration = reached(busy, {}, { server: 'Triton' });
    expect(calibration.saturation.verdict).toBe('full');
    expect(calibration.saturation.shares[0]?.name).toBe('GPU');
    expect(calibration.choice?.profiles).toEqual(['triton-concurrency']);
  });

  it('is told of profiles with data as of columns', () => {
    const byProfiles = g4dn.map(({ utilisation, ...step }) => ({
      ...step,
      utilisation: {},
      signals: { 'cpu-util': 100 * (utilisation.cpu ?? 0), 'dcgm-gpu-util': 100 * (utilisation.gpu ?? 0) },
    }));
    expect(reached(byProfiles).saturation).toEqual(reached(g4dn).saturation);
    expect(reached(byProfiles).choice?.profiles).toEqual(['cpu-util']);
  });
});

describe('a target', () => {
  it('is on the line between the two steps around 75 % of the knee', () => {
    const calibration = reached(
      closedLoop({ slots: 8, serviceTime: 0.5 }, DOUBLINGS),
      {},
      { server: 'vLLM' },
    );
    // 75 % of 16 requests/s is 12, half way from 4 in flight to 8.
    const target = calibration.targets.find(({ profile }) => profile === 'vllm-concurrency');
    expect(target).toMatchObject({ value: 6, atKnee: 8, measured: false, unfit: null });
    expect(calibration.operation.load).toBe(6);
  });

  it('is not taken from a signal that reads full long before the replica is', () => {
    const steps = closedLoop({ slots: 8, serviceTime: 0.5 }, DOUBLINGS).map((step) => ({
      ...step,
      signals: { 'dcgm-gpu-util': [60, 90, 97, 99][Math.log2(step.load)] ?? 100 },
    }));
    const { targets } = reached(steps);
    const duty = targets.find(({ profile }) => profile === 'dcgm-gpu-util');
    expect(duty?.unfit).toContain('cannot tell the two apart');
  });

  it('is not taken from a queue that is empty there', () => {
    const steps = closedLoop({ slots: 8, serviceTime: 0.5 }, DOUBLINGS).map((step) => ({
      ...step,
      queue: step.load <= 8 ? 0 : 1,
      service: 0.5,
    }));
    const waiting = reached(steps, { asked: ['vllm-waiting'] }).targets;
    expect(waiting).toMatchObject([{ profile: 'vllm-waiting', unfit: expect.stringContaining('still 0') }]);
  });

  it('is left open between servers that the test cannot tell apart', () => {
    const calibration = reached(closedLoop({ slots: 8, serviceTime: 0.5 }, DOUBLINGS));
    expect(calibration.choice?.profiles).toEqual([
      'tgi-concurrency',
      'triton-concurrency',
      'vllm-concurrency',
    ]);
    expect(metadataOf(calibration)).toEqual({ target: '6', slots: '8', serviceTime: '0.5' });
  });

  it('under the lowest step says that it was not measured', () => {
    // NVIDIA's own example of perf_analyzer: one instance, of which one request in flight is most already.
    const service = { service: 0.012, queue: 0.00006 };
    const steps = measured([
      { load: 1, throughput: 69.2, mean: 0.01444, ...service },
      { load: 2, throughput: 87.2, mean: 0.0229, queue: 0.00915, service: 0.01155 },
      { load: 3, throughput: 84.2, mean: 0.0356, queue: 0.0217, service: 0.01197 },
      { load: 4, throughput: 84.2, mean: 0.0475, queue: 0.0337, service: 0.01198 },
    ]);
    const { capacity, operation, doubts, targets } = reached(steps, {}, { server: 'Triton' });
    expect(capacity?.slots).toBeCloseTo(1, 1);
    expect(operation.underLowest).toBe(true);
    expect(doubts.join(' ')).toContain('not measured');
    // By the utilisation law: 65.4 of 69.2 requests/s, and the 0.83 in the server of those.
    expect(targets.find(({ profile }) => profile === 'triton-concurrency')?.value).toBeCloseTo(0.789, 3);
    expect(targets.find(({ profile }) => profile === 'triton-queue-time')?.value).toBeNull();
  });

  it.each(['triton-concurrency', 'vllm-running', 'dcgm-gpu-util', 'cpu-util'])(
    'for %s is metadata that the scaler takes',
    (name) => {
      const shares = [0.12, 0.24, 0.48, 0.93, 0.97, 0.98];
      const steps = closedLoop({ slots: 8, serviceTime: 0.0371 }, [1, 2, 4, 8, 16, 32]).map(
        (step, index) => ({
          ...step,
          service: 0.0371,
          queue: Math.max(0, step.load / step.throughput - 0.0371),
          utilisation: { cpu: shares[index]!, gpu: shares[index]! },
        }),
      );
      const metadata = metadataOf(reached(steps, { asked: [name] }));
      expect(metadata).toMatchObject({ profile: name, slots: '8', serviceTime: '0.0371' });
      expect(compileTrigger(metadata, known)).toMatchObject({ ok: true });
    },
  );
});

describe('the cost of inferences', () => {
  it('is what NVIDIA publishes for a T4: 3.0 million for one at 0.54 an hour and 450 a second', () => {
    const { inferencesPerUnit, perThousand } = costOf(0.54, 450, 1);
    expect(inferencesPerUnit).toBeCloseTo(3e6, 0);
    expect(perThousand).toBeCloseTo(1 / 3000, 9);
    // And 6.75 million at the 0.24 of three years' commitment.
    expect(costOf(0.24, 450, 1).inferencesPerUnit).toBeCloseTo(6.75e6, 0);
  });

  it('counts the batch of each request', () => {
    expect(costOf(0.54, 450 / 8, 8)).toEqual(costOf(0.54, 450, 1));
  });
});

describe('doubts', () => {
  const doubtsOn = (...of: Parameters<typeof reached>) => reached(...of).doubts.join('\n');

  it('are none about a clean test with an objective', () => {
    expect(reached(closedLoop({ slots: 8, serviceTime: 0.5 }, DOUBLINGS), { slo: 8.5 }).doubts).toEqual([]);
  });

  it('name a gap around the knee, a lowest step under load and a short plateau', () => {
    const steps = closedLoop({ slots: 8, serviceTime: 0.5 }, [6, 8, 11]);
    expect(doubtsOn(steps)).toContain('already waits for slots');
    expect(doubtsOn(steps)).toContain('go further');
    expect(doubtsOn(closedLoop({ slots: 8, serviceTime: 0.5 }, [1, 8, 64]))).toContain('between 8 and 64');
  });

  it('name requests that slow each other down, which no fixed service time describes', () => {
    const batching = measured(
      [10, 18, 30, 45, 54, 55, 55].map((throughput, index) => ({ load: 2 ** index, throughput })),
    );
    expect(doubtsOn(batching)).toContain('slow each other down');
  });

  it('name inferences that were counted as requests, and a generator that paused', () => {
    const steps = closedLoop({ slots: 8, serviceTime: 0.5 }, DOUBLINGS);
    const meanTimes = (by: number) =>
      steps.map((step) => ({ ...step, mean: (by * step.load) / step.throughput }));
    expect(doubtsOn(meanTimes(4))).toContain('--batch 4');
    expect(doubtsOn(meanTimes(0.5))).toContain('paused');
  });

  it('name a cold lowest step', () => {
    const cold = closedLoop({ slots: 8, serviceTime: 0.5 }, DOUBLINGS, [0.6]);
    expect(doubtsOn(cold)).toContain('warm up');
  });
});

describe('steps that are not of one test', () => {
  const [low, high] = closedLoop({ slots: 1, serviceTime: 1 }, [1, 2]);

  it('are refused by their places', () => {
    expect(() => run([low!, { ...high!, held: 'rate' }])).toThrow(LoadTestError);
    expect(() => run([low!, { ...high!, load: 1 }])).toThrow(/test:3: 1 is at test:2 already/);
  });
});
