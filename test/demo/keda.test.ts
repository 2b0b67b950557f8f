import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Actor } from '../../src/demo/history.js';
import { standIn, type StandIn } from '../../src/demo/keda.js';
import type { ScaledObject } from '../../src/demo/scaled-object.js';
import { openScalerClient, type ScalerClient } from '../../src/demo/scaler-client.js';
import { startStoryClock } from '../../src/demo/story-clock.js';
import { eventually } from '../support/processes.js';
import { startScriptedScaler, type ScriptedScaler } from './scripted-scaler.js';

/** A poll every 150 ms of real time, an HPA sync every 75 ms, a cooldown of 600 ms. */
const SPEED = 200;

let scaler: ScriptedScaler;
let client: ScalerClient;
let running: StandIn | null = null;
let replicas = 0;
let changes: { to: number; by: Actor }[] = [];
const failures: unknown[] = [];

beforeEach(async () => {
  scaler = await startScriptedScaler();
  client = openScalerClient(scaler.address);
  replicas = 0;
  changes = [];
});

afterEach(async () => {
  await running?.stop();
  running = null;
  client.close();
  scaler.stop();
  expect(failures).toEqual([]);
});

function start(at: number, settings: Partial<ScaledObject> = {}): void {
  replicas = at;
  const object = {
    ref: { namespace: 'demo', name: 'llama', scalerMetadata: { profile: 'tgi-concurrency' } },
    pollingInterval: 30,
    cooldownPeriod: 120,
    maxReplicaCount: 10,
    scaleDownWindow: 0,
    ...settings,
  };
  const target = {
    counts: () => ({ spec: replicas, status: replicas, ready: replicas }),
    scale(to: number, by: Actor) {
      if (to !== replicas) changes.push({ to, by });
      replicas = to;
    },
  };
  running = standIn({ object, target, client, clock: startStoryClock(SPEED) }, (error) =>
    failures.push(error),
  );
}

function letters(): string {
  return scaler.calls.map(({ call }) => call).join('');
}

function calls(count: number): Promise<true> {
  return eventually(`${count} calls`, async () => (scaler.calls.length >= count ? true : undefined));
}

function reached(count: number): Promise<true> {
  return eventually(`${count} replicas`, async () => (replicas === count ? true : undefined));
}

describe('calls', () => {
  it('are S for the reconcile, then S M A of each poll in this order, with the stream beside them', async () => {
    start(0);
    await calls(11);
    expect(letters().replace('T', '')).toMatch(/^S(?:SMA){3}/);
    expect(letters()).toMatch(/^S[SMA]{0,3}T/);
  });

  it('have no deadline, but for those of the HPA, which come above zero replicas only', async () => {
    start(0);
    await calls(11);
    expect(scaler.calls.filter(({ deadlineMs }) => deadlineMs !== null)).toEqual([]);
    scaler.answers.active = true;
    scaler.answers.value = 1;
    await reached(1);
    const fromHpa = () => scaler.calls.filter(({ deadlineMs }) => deadlineMs !== null);
    await eventually('two syncs of the HPA', async () => (fromHpa().length >= 6 ? true : undefined));
    expect(
      fromHpa()
        .map(({ call }) => call)
        .join(''),
    ).toMatch(/^SMASMA/);
    for (const { deadlineMs } of fromHpa()) {
      expect(deadlineMs).toBeLessThanOrEqual(60_000);
      expect(deadlineMs).toBeGreaterThan(30_000);
    }
  });

  it('are made once more at once after an error', async () => {
    scaler.answers.failing = ['M'];
    start(0);
    await calls(11);
    expect(letters().replace('T', '')).toMatch(/^S(?:SMM){3}/);
  });
});

describe('replicas', () => {
  it('go from zero to one at a push, whatever the polls say, and from there by the HPA', async () => {
    start(0, { pollingInterval: 100_000 });
    await calls(5);
    scaler.answers.value = 4;
    scaler.push(true);
    await reached(4);
    expect(changes.map(({ to, by }) => [to, by.name])).toEqual([
      [1, 'KEDA push'],
      [4, 'HPA'],
    ]);
  });

  it('go from zero to one at a poll that says active', async () => {
    scaler.answers.active = true;
    start(0);
    await reached(1);
    expect(changes[0]?.by.name).toBe('KEDA poll');
  });

  it('are not woken by a value alone, nor by a push of false', async () => {
    scaler.answers.value = 5;
    start(0);
    await calls(5);
    scaler.push(false);
    await calls(11);
    expect(changes).toEqual([]);
  });

  it('go to zero in one step when nothing has been active for the cooldown', async () => {
    Object.assign(scaler.answers, { active: true, value: 5 });
    start(0);
    await reached(5);
    scaler.answers.active = false;
    await reached(0);
    expect(changes.at(-1)).toEqual({ to: 0, by: { name: 'KEDA cooldown', limited: null } });
  });

  it('stay where the HPA tolerates the value, and never leave the bounds', async () => {
    Object.assign(scaler.answers, { active: true, value: 10.9 });
    start(10);
    await calls(20);
    expect(changes).toEqual([]); // 10.9 ÷ 10 is within a tenth
    scaler.answers.value = 40;
    await calls(scaler.calls.length + 12);
    expect(changes).toEqual([]); // at most maxReplicaCount
    scaler.answers.value = 0;
    await reached(1);
    expect(changes.at(-1)?.by).toEqual({ name: 'HPA', limited: 'TooFewReplicas' });
  });

  it('rise without a behavior to at most 4, or twice as many, in one sync', async () => {
    Object.assign(scaler.answers, { active: true, value: 10 });
    start(0, { scaleDownWindow: null });
    await reached(10);
    expect(changes.map(({ to }) => to)).toEqual([1, 4, 8, 10]);
    expect(changes[1]?.by.limited).toBe('ScaleUpLimit');
  });

  it('are held while the window remembers a higher recommendation', async () => {
    Object.assign(scaler.answers, { active: true, value: 5 });
    start(0, { scaleDownWindow: 100_000 });
    await reached(5);
    scaler.answers.value = 2;
    await calls(scaler.calls.length + 18);
    expect(replicas).toBe(5);
  });

  it('are kept at N while the scaler refuses', async () => {
    Object.assign(scaler.answers, { active: true, value: 3 });
    start(0);
    await reached(3);
    scaler.answers.failing = ['S', 'M', 'A'];
    const before = changes.length;
    // Beyond the cooldown: 120 s are four polls, each of which asks twice.
    await calls(scaler.calls.length + 40);
    expect(changes.slice(before)).toEqual([]);
    expect(replicas).toBe(3);
  });
});
