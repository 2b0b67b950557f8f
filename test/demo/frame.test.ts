import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Snapshot, WorkloadSnapshot } from '../../src/demo/snapshot.js';
import { storyOf } from '../../src/demo/story.js';
import { frame } from '../../src/demo/view/frame.js';
import { closingLines } from '../../src/demo/view/text.js';
import type { WarmUpNote } from '../../src/demo/warm-ups.js';

const llama: WorkloadSnapshot = {
  name: 'llama',
  profile: 'tgi-concurrency',
  phase: 'burst',
  rate: 3,
  peakRate: 6,
  waiting: 288,
  running: 16,
  replicas: 3,
  ready: 1,
  maxReplicas: 6,
  desired: 6,
  active: true,
  reason: '6 replicas: tgi-concurrency 304 requests in all, target 11.2 each → 27.1; capped at maxReplicas 6',
};
const change = {
  at: 40,
  workload: 'llama',
  from: 0,
  to: 1,
  by: { name: 'KEDA push', limited: null },
  reason: '1 replica: woken: gateway-rps 5.8 requests/s is above 0',
} as const;

const warm: WarmUpNote = {
  workload: 'llama',
  replicas: 3,
  phase: 'begun',
  askedAt: 435,
  startsAt: 530,
  readyAt: null,
  why: 'announced: 450 jobs of 6 s by …: at least 3',
  note: 'floor of 3 until its end',
};

function snapshot(workloads: readonly WorkloadSnapshot[], changes: Snapshot['changes']): Snapshot {
  return { timing: { speed: 16, story: storyOf(500, false) }, t: 4, at: 64, workloads, changes, warmUps: [] };
}

function text(lines: ReturnType<typeof frame>): string[] {
  return lines.map((line) => line.map(([part]) => part).join(''));
}

describe('the live table', () => {
  it('shows load, queue, replicas, what is wanted and why', () => {
    const lines = text(
      frame(snapshot([llama], [change]), 'http://127.0.0.1:8080', { columns: 120, rows: 40 }),
    );
    expect(lines).toContain('llama     burst    █████░░░░░    3/s      288  ■□□···      1/3       6  yes');
    expect(lines.join('\n')).toContain('tgi-concurrency 304 requests in all');
    expect(lines.at(-1)).toBe(
      ' 0:40  llama   0→1  KEDA push      woken: gateway-rps 5.8 requests/s is above 0',
    );
  });

  it('shows what is not known as such', () => {
    const unknown = { ...llama, desired: null, active: null };
    const lines = text(frame(snapshot([unknown], []), '', { columns: 80, rows: 24 }));
    expect(lines.find((line) => line.startsWith('llama'))).toMatch(/1\/3 {7}\? {2}\?$/);
  });

  it('fits its rows at 80 columns without being cut', () => {
    const lines = text(frame(snapshot([llama], [change]), '', { columns: 80, rows: 24 }));
    expect(lines.filter((line) => /^(?:WORKLOAD|llama)/.test(line)).some((line) => line.endsWith('…'))).toBe(
      false,
    );
  });

  it('is never wider than the terminal, nor higher where that is possible at all', () => {
    const size = fc.record({
      columns: fc.integer({ min: 1, max: 200 }),
      rows: fc.integer({ min: 1, max: 60 }),
    });
    fc.assert(
      fc.property(size, fc.integer({ min: 0, max: 50 }), (terminal, count) => {
        const changes = Array.from({ length: count }, () => change);
        const lines = text(frame(snapshot([llama, llama], changes), 'http://127.0.0.1:8080', terminal));
        for (const line of lines) expect(line.length).toBeLessThanOrEqual(terminal.columns);
        // Thirteen lines stand above the log, and the newest change is always there.
        expect(lines.length).toBeLessThanOrEqual(Math.max(14, terminal.rows - 1));
      }),
    );
  });
});

describe('the closing lines', () => {
  it('say what each workload did and what it cost', () => {
    const wakes = [{ requestedAt: 40, wokenAt: 41.5, readyAt: 87 }];
    const workload = {
      name: 'llama',
      wakes,
      peak: 6,
      replicas: 0,
      requests: 900,
      gpuSeconds: 1200,
      alwaysOn: 3000,
      loads: [{ from: 40, longestWait: 52.4 }],
      announced: false,
      warmUp: null,
    };
    const lines = closingLines({
      workloads: [workload, { ...workload, name: 'embed', wakes: [] }],
      seconds: 500,
      speed: 10,
      keptIn: 'redis-server',
      problems: [],
    });
    expect(lines).toEqual([
      '8:20 of the story, from the first request at zero:',
      '  llama   0 → woken in 150 ms (1.5 s of the story) → ready in 47 s → 6 → 0',
      '  embed   stayed at 0',
      '  2,400 GPU-seconds; 6 + 6 replicas always on: 6,000; saved: 60 %',
    ]);
  });

  it('set the burst that was announced beside the one that was not', () => {
    const loads = [
      { from: 40, longestWait: 52.4 },
      { from: 530, longestWait: 0 },
    ];
    const common = { wakes: [], loads, peak: 6, replicas: 0, requests: 9, gpuSeconds: 1, alwaysOn: 2 };
    const warmUp = { ...warm, phase: 'holding', readyAt: 501 } as const;
    const lines = closingLines({
      workloads: [
        { ...common, name: 'llama', announced: true, warmUp },
        { ...common, name: 'resnet', announced: true, warmUp: null },
        { ...common, name: 'embed', announced: false, warmUp: null },
      ],
      seconds: 825,
      speed: 10,
      keptIn: 'redis-server',
      problems: [],
    });
    expect(lines.slice(-4)).toEqual([
      'The burst again, announced where it could be (warm-ups kept in a redis-server of the demo):',
      '  llama   warm-up asked at 7:15, ready 29 s ahead; waited 0 s, the time before 52 s',
      '  resnet  announced before the warm-up store was open; waited 0 s, the time before 52 s',
      '  embed   no warm-up; waited 0 s, the time before 52 s',
    ]);
  });
});

describe('a warm-up', () => {
  it('is shown with when it is for and how far it is', () => {
    const before = { ...snapshot([llama], []), at: 470, warmUps: [warm] };
    const size = { columns: 120, rows: 40 };
    expect(text(frame(before, '', size))).toContain('WARM-UPS  llama 3 by 8:50, asked for 35 s ago');
    const after = { ...before, warmUps: [{ ...warm, phase: 'holding', readyAt: 541 } as const] };
    expect(text(frame(after, '', size))).toContain('WARM-UPS  llama 3 by 8:50, ready 11 s late');
  });
});
