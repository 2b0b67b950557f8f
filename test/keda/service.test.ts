import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { GrpcServer } from '../../src/keda/server.js';
import type { Answer } from '../../src/ports/decisions.js';
import { connectKeda, FROM_HPA, refusal, type KedaClient } from '../support/keda-client.js';
import { decided, decisionOn, ref, ScriptedDecisions, serveScripted, specs } from './scripted-decisions.js';

const [SPEC] = specs;
const NAME = SPEC!.name;
const OPEN = { timeout: 5000 };

let decisions: ScriptedDecisions;
let calls: string[];
let server: GrpcServer;
let keda: KedaClient;

beforeEach(async () => {
  decisions = new ScriptedDecisions();
  calls = [];
  server = await serveScripted(decisions, {
    onCall: (method, refused) => calls.push(`${method} ${refused ?? 'answered'}`),
  });
  keda = connectKeda(server.port);
});

afterEach(async () => {
  await server.drain(500);
  keda.close();
});

describe('unary calls', () => {
  test('one value for the metric that is asked for, in the float field alone', async () => {
    expect(await keda.metrics(ref, NAME)).toEqual([
      { metricName: NAME, metricValue: 0, metricValueFloat: 4 },
    ]);
    expect(await keda.isActive(ref)).toBe(true);
    expect(await keda.metricSpec(ref)).toEqual([{ metricName: NAME, targetSize: 1, targetSizeFloat: 1 }]);
    expect(calls).toEqual(['GetMetrics answered', 'IsActive answered', 'GetMetricSpec answered']);
  });

  test('a metric of another name is refused with the names there are', async () => {
    expect(await refusal(keda.metrics(ref, 's0-load'))).toEqual({
      code: 'INVALID_ARGUMENT',
      details: `metricName: got "s0-load", expected ${NAME}`,
    });
  });

  test('refusals carry their words, whatever a tenant wrote into them', async () => {
    for (const why of [
      'profile: got "x"',
      'größer 字 😀',
      'a half of 😀'.slice(0, -1),
      'x'.repeat(100_000),
    ]) {
      decisions.next = { kind: 'invalid', why };
      const { code, details } = await refusal(keda.isActive(ref));
      expect(code).toBe('INVALID_ARGUMENT');
      expect(details.slice(0, 10)).toBe(why.slice(0, 10));
      expect(details.length).toBeLessThanOrEqual(4096);
    }
    decisions.next = decided(decisionOn(33));
    expect(await refusal(keda.metrics(ref, `${'x'.repeat(59)}😀`))).toMatchObject({
      code: 'INVALID_ARGUMENT',
    });
  });

  test('a fault of our own is an answer, not a call that hangs', async () => {
    decisions.current = () => Promise.reject(new Error('boom'));
    expect(await refusal(keda.isActive(ref, { deadlineMs: 5000 }))).toEqual({
      code: 'UNAVAILABLE',
      details: 'a fault of the scaler: Error: boom',
    });
  });

  test('a blind decision is no answer', async () => {
    decisions.next = decided(decisionOn(null));
    const expected = {
      code: 'UNAVAILABLE',
      details: expect.stringContaining('absence is not zero') as string,
    };
    expect(await refusal(keda.isActive(ref))).toEqual(expected);
    expect(await refusal(keda.metrics(ref, NAME))).toEqual(expected);
  });

  test('the HPA is not told what presumes that nothing runs; the poll is', async () => {
    decisions.next = decided({ ...decisionOn(0), presumesZero: true });
    expect(await keda.isActive(ref)).toBe(false);
    expect(await refusal(keda.metrics(ref, NAME, FROM_HPA))).toEqual({
      code: 'UNAVAILABLE',
      details: expect.stringContaining('replicas run, since the HPA asks') as string,
    });
    expect(decisions.callers).toEqual(['poll', 'hpa']);
  });

  test('only deadlines that the API server sets are the HPA’s', async () => {
    for (const deadlineMs of [null, 59_999, 32_000, 5000, 300_000]) await keda.isActive(ref, { deadlineMs });
    expect(decisions.callers).toEqual(['poll', 'hpa', 'hpa', 'poll', 'poll']);
  });
});

describe('streams', () => {
  test('the state at once, then edges', async () => {
    const stream = keda.streamIsActive(ref);
    await expect.poll(() => stream.received, OPEN).toEqual([true]);
    for (const queue of [50, 0, 0, null, 12, 13]) decisions.push(decisionOn(queue));
    await expect.poll(() => stream.received, OPEN).toEqual([true, false, true]);
    expect(stream.ended).toBeNull();
    expect(server.streams()).toBe(1);
  });

  test('the specs once, and the stream stays open', async () => {
    const stream = keda.streamMetricSpec(ref);
    await expect
      .poll(() => stream.received, OPEN)
      .toEqual([[{ metricName: NAME, targetSize: 1, targetSizeFloat: 1 }]]);
    expect(stream.ended).toBeNull();
  });

  test.each(['streamIsActive', 'streamMetricSpec'] as const)(
    '%s is refused with the reason',
    async (open) => {
      decisions.next = { kind: 'invalid', why: 'profile: got "nope"' };
      const stream = keda[open](ref);
      await expect.poll(() => stream.ended, OPEN).toMatchObject({ code: 3, details: 'profile: got "nope"' });
      expect(stream.received).toEqual([]);
      expect(server.streams()).toBe(0);
    },
  );

  test('a client that leaves is no longer told', async () => {
    const stream = keda.streamIsActive(ref);
    await expect.poll(() => server.streams(), OPEN).toBe(1);
    stream.cancel();
    await expect.poll(() => [server.streams(), decisions.listeners.size], OPEN).toEqual([0, 0]);
  });
});

describe('drain', () => {
  test('streams end with OK, even when an edge comes at that very moment', async () => {
    const streams = [keda.streamIsActive(ref), keda.streamIsActive(ref), keda.streamMetricSpec(ref)];
    await expect.poll(() => server.streams(), OPEN).toBe(3);
    decisions.push(decisionOn(0));
    const drained = server.drain(5000);
    decisions.push(decisionOn(33));
    await drained;
    await expect.poll(() => streams.map(({ ended }) => ended?.code), OPEN).toEqual([0, 0, 0]);
    expect(decisions.listeners.size).toBe(0);
  });

  test('a call in flight is answered', async () => {
    let release!: (answer: Answer) => void;
    decisions.next = new Promise<Answer>((resolve) => {
      release = resolve;
    });
    const call = keda.isActive(ref);
    await expect.poll(() => decisions.callers.length, OPEN).toBe(1);
    const drained = server.drain(5000);
    release(decided(decisionOn(33)));
    expect(await call).toBe(true);
    await drained;
  });

  test('a call that never ends is cut when the grace is over', async () => {
    decisions.next = new Promise(() => undefined);
    const call = refusal(keda.isActive(ref));
    await expect.poll(() => decisions.callers.length, OPEN).toBe(1);
    await server.drain(50);
    expect((await call).code).toMatch(/^(?:CANCELLED|UNAVAILABLE|INTERNAL)$/);
  });
});

test('an address that is taken is named with its setting', async () => {
  const listen = `127.0.0.1:${server.port}`;
  await expect(serveScripted(decisions, { listen })).rejects.toThrow(`--grpc-listen ${listen}: `);
});
