import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { TriggerRef } from '../../src/ports/decisions.js';
import { FROM_HPA, refusal } from '../support/keda-client.js';
import { podOf, servePrometheusApi, vectorOf, type PrometheusApi } from '../support/prometheus-api.js';
import { stepByHand, type SteppedScaler } from '../support/stepped-scaler.js';

const MINUTE = 60_000;
const began = Date.now();
let time: number;
const clock = { now: () => began + time };

let api: PrometheusApi;
let stepped: SteppedScaler;

const hang = () => undefined;

beforeEach(async () => {
  time = 0;
  api = await servePrometheusApi(hang);
  stepped = await stepByHand({ prometheus: api.url }, { clock });
});

afterEach(async () => {
  await stepped.stop();
  await api.stop();
});

function ref(name: string): TriggerRef {
  return { namespace: 'shop', name, metadata: { profile: 'triton-pending', scalerAddress: 'here:50051' } };
}

describe('while Prometheus hangs', () => {
  test('the first call waits for a while and says why there is no answer; specs and later calls do not wait', async () => {
    const answered: string[] = [];
    const started = Date.now();
    const [{ code, details }] = await Promise.all([
      refusal(stepped.keda.isActive(ref('triton'))).finally(() => answered.push('IsActive')),
      stepped.keda.metricSpec(ref('triton')).then(() => answered.push('GetMetricSpec')),
      stepped.keda.metricSpec(ref('other')).then(() => answered.push('GetMetricSpec')),
    ]);
    expect(answered).toEqual(['GetMetricSpec', 'GetMetricSpec', 'IsActive']);
    expect(stepped.registry.named('shop', 'other')).toEqual([]); // asking for the specs leaves nothing behind
    expect(code).toBe('UNAVAILABLE');
    expect(details).toMatch(/triton-pending: no answer within \d+ ms.*absence is not zero/);
    expect(Date.now() - started).toBeLessThan(9000); // 2 s, and a machine that is busy; the source itself takes 10 s
    const before = api.queries.length;
    for (let call = 0; call < 50; call += 1) await refusal(stepped.keda.isActive(ref('triton'), FROM_HPA));
    expect(api.queries.length).toBe(before); // from memory
  });

  test('a thousand new ScaledObjects wait together, for one query of each kind', async () => {
    const calls = Array.from({ length: 1000 }, (_, index) =>
      refusal(stepped.keda.isActive(ref(`m-${index}`))),
    );
    expect(new Set((await Promise.all(calls)).map(({ code }) => code))).toEqual(new Set(['UNAVAILABLE']));
    expect(api.queries.length).toBe(2); // the signal and what wakes at zero
    const late = Array.from({ length: 100 }, (_, index) =>
      refusal(stepped.keda.isActive(ref(`late-${index}`))),
    );
    await Promise.all(late);
    expect(api.queries.length).toBe(2); // known to hang, so not asked again for them
  });
});

describe('a trigger that nobody asks about', () => {
  const known = () => [...stepped.registry.all()].map(({ name }) => name).toSorted();

  beforeEach(() => {
    api.answer = (_promql, response) => {
      const labels = { namespace: 'shop', pod: podOf('triton') };
      response.end(vectorOf([{ labels, value: 5 }]));
    };
  });

  test('is forgotten after ten minutes, and kept fresh until then', async () => {
    await stepped.keda.isActive(ref('triton'));
    await stepped.keda.isActive(ref('polled'), FROM_HPA).catch(() => undefined);
    time = 9 * MINUTE;
    await stepped.keda.isActive(ref('polled')).catch(() => undefined);
    await stepped.scaler.tick();
    expect(known()).toEqual(['polled', 'triton']);
    expect(stepped.registry.named('shop', 'triton')[0]?.decision?.at).toBe(began + 9 * MINUTE);
    time = 11 * MINUTE;
    await stepped.scaler.tick();
    expect(known()).toEqual(['polled']);
    time = 20 * MINUTE;
    await stepped.scaler.tick();
    expect(known()).toEqual([]);
    const before = api.queries.length;
    await stepped.scaler.tick();
    expect(api.queries.length).toBe(before);
  });

  test('is kept while a stream of it is open', async () => {
    const stream = stepped.keda.streamIsActive(ref('triton'));
    await expect.poll(() => stream.received).toEqual([true]);
    time = 60 * MINUTE;
    await stepped.scaler.tick();
    expect(known()).toEqual(['triton']);
    stream.cancel();
    await expect.poll(() => stepped.registry.named('shop', 'triton')[0]?.listeners.size).toBe(0);
    await stepped.scaler.tick();
    expect(known()).toEqual([]);
  });
});
