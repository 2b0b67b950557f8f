import { expect, test } from 'vitest';
import type { FloorsHealth } from '../../src/ports/floors.js';
import type { StepReport, WarmUpPhase, WarmUpStatus } from '../../src/ports/warm-up.js';
import { warmUpsUnderWay } from '../../src/server/warm-ups-under-way.js';
import { underWay } from './warm-ups-under-way.js';

const { warmUp, facts } = underWay('ns/llm', 3);
const READY: StepReport = { step: 'ready', outcome: 'done', at: 0, took: 0, note: '', split: {} };

function status(phase: WarmUpPhase, steps: readonly StepReport[] = []): WarmUpStatus {
  const none = { plannedAt: 0, begunAt: 0, readyAt: null, late: false, failures: 0, lastFailure: null };
  return { ...none, warmUp, phase, steps };
}

function known(statuses: readonly WarmUpStatus[], health: FloorsHealth = { kind: 'current' }) {
  return warmUpsUnderWay({
    cluster: {
      health: () => ({ kind: 'current', why: null, watches: [] }),
      facts: () => ({ kind: 'known', facts }),
    },
    warmUps: {
      store: () => ({ kind: 'open', keptIn: 'redis', description: '', shared: true, health }),
      known: () => statuses,
    },
    granted: () => 2,
  });
}

test('a warm-up was ready once the store says so, whichever scaler replica ran its steps', () => {
  const wasReady = (...given: Parameters<typeof status>) =>
    known([status(...given)])?.map((each) => each.wasReady);
  expect(wasReady('planned')).toEqual([]);
  expect(wasReady('begun')).toEqual([false]);
  expect(wasReady('begun', [{ ...READY, outcome: 'failed' }])).toEqual([false]);
  expect(wasReady('begun', [READY])).toEqual([true]);
  expect(wasReady('holding')).toEqual([true]);
});

test('no more replicas are wanted than are granted', () => {
  expect(known([status('begun')])?.map(({ replicas }) => replicas)).toEqual([2]);
});

test('none are known before the store has been read', () => {
  expect(known([], { kind: 'stale', since: 0, why: 'not read yet' })).toBeNull();
});
