import { describe, expect, it } from 'vitest';
import { calibrate, type Calibration } from '../../../src/replay/calibrate/calibrate.js';
import { findingsOf, remarkOn } from '../../../src/replay/calibrate/findings.js';
import { stepOf, type Step } from '../../../src/replay/calibrate/step.js';
import { number, percent, seconds } from '../../../src/replay/calibrate/words.js';
import { closedLoop, openLoop } from './replica.js';

function run(steps: readonly Step[], slo: number | null = null): Calibration {
  const options = { slo, share: 0.75, pricePerHour: 1, batch: 1, profiles: [], asked: null };
  return calibrate({ format: 'test', steps, server: null, notes: [] }, options);
}

function said(calibration: Calibration, about: string): string | undefined {
  return findingsOf(calibration).find(([name]) => name === about)?.[1];
}

const REPLICA = { slots: 4, serviceTime: 0.5 };
const flat = closedLoop(REPLICA, [1, 2, 4, 8, 16]);

describe('findings of a test that reached its knee', () => {
  it('are sentences with their figures', () => {
    expect(findingsOf(run(flat))).toEqual([
      ['Knee', '8 requests/s at 4 in flight; at 8 in flight throughput no longer rises'],
      ['Full first', 'unknown: no utilisation was measured'],
      ['Capacity', '4 slots of 500 ms, 8 requests/s when all are busy'],
      ['Operate at', '6 requests/s, 75 % of the knee, 3 requests in the server, p99 500 ms'],
      ['Scale on', 'nothing: no signal tells the operating point from the knee'],
      [
        'Cost',
        '0.0463 for 1000 inferences at that point, with a replica at 1 an hour: 21600 inferences for 1',
      ],
    ]);
  });

  it('say what ended the test', () => {
    expect(said(run(openLoop(REPLICA, [1, 4, 7, 12])), 'Knee')).toMatch(
      /^7 requests\/s at 7 requests\/s offered; at 12 requests\/s offered only 8 requests\/s are answered$/,
    );
    const failing = flat.map((step) => ({ ...step, failed: step.load > 2 ? 0.2 : 0 }));
    expect(said(run(failing), 'Knee')).toContain('at 4 in flight 20 % of the requests fail');
    expect(said(run(flat, 1.5), 'Knee')).toContain('at 8 in flight throughput no longer rises');
    expect(said(run(flat, 0.4), 'Knee')).toContain('p99 is 500 ms, over the 400 ms allowed');
  });

  it('say what is full, by name', () => {
    const with_ = (cpu: number, gpu: number) =>
      said(run(flat.map((step) => ({ ...step, utilisation: { cpu, gpu } }))), 'Full first');
    expect(with_(0.3, 0.99)).toBe('GPU: GPU 99 %, CPU 30 % at 4 in flight');
    expect(with_(0.99, 0.3)).toBe('the CPU, before the GPU: CPU 99 %, GPU 30 % at 4 in flight');
    expect(with_(0.3, 0.4)).toContain('the slots, for nothing that was measured is at its limit: GPU 40 %');
  });

  it('leave the capacity open where no latency was measured', () => {
    const users = [1, 2, 4, 8].map((load) =>
      stepOf({ place: 'test', held: 'users', load, throughput: Math.min(load, 4) }),
    );
    expect(said(run(users), 'Capacity')).toBe('unknown: no latency was measured');
    expect(said(run(users), 'Knee')).toContain('at 4 users');
  });
});

describe('findings of a test that did not', () => {
  it.each<[string, Step[], number | null, string, string]>([
    ['ended too early', flat.slice(0, 3), null, 'not reached', 'with 8 and 16 in flight'],
    ['misses the objective at once', flat, 0.1, 'already p99 is 500 ms', 'warm up'],
    [
      'fails at once',
      flat.map((step) => ({ ...step, failed: 1 })),
      null,
      'already 100 % of the requests fail',
      'why',
    ],
    ['began beyond capacity', openLoop(REPLICA, [9, 12]), null, 'already only 8 requests/s', 'lower rates'],
  ])('say that it %s, and how to go on', (_, steps, slo, knee, next) => {
    const calibration = run(steps, slo);
    expect(said(calibration, 'Knee')).toContain(knee);
    expect(said(calibration, 'Go on')).toContain(next);
  });

  it('say that one step has none', () => {
    expect(said(run(flat.slice(0, 1)), 'Knee')).toBe('not in one step: a knee is seen between steps');
  });
});

describe('remarks', () => {
  it('tell each step’s part', () => {
    const calibration = run(openLoop(REPLICA, [1, 4, 7, 12]), 60);
    expect(calibration.steps.map((_, index) => remarkOn(calibration, index))).toEqual([
      '',
      '',
      'knee',
      'falls behind',
    ]);
    const failing = run(flat.map((step) => ({ ...step, failed: step.load > 2 ? 0.2 : 0 })));
    expect(remarkOn(failing, 3)).toBe('20 % failed');
  });
});

describe('numbers', () => {
  it('have three digits and no exponent', () => {
    expect([0, 0.000123456, 0.0815, 1.005, 12.34, 1234.5, 1e9, 1e-9].map(number)).toEqual([
      '0',
      '0.000123',
      '0.0815',
      '1',
      '12.3',
      '1235',
      '1000000000',
      '0',
    ]);
    expect(percent(0.3333)).toBe('33.3 %');
    expect([0.0123, 1.5].map(seconds)).toEqual(['12.3 ms', '1.5 s']);
  });
});
