import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { TriggerRef } from '../../src/ports/decisions.js';
import { FROM_HPA, refusal } from '../support/keda-client.js';
import {
  podOf,
  servePrometheusApi,
  vectorOf,
  type ApiAnswer,
  type ApiSeries,
  type PrometheusApi,
} from '../support/prometheus-api.js';
import { stepByHand, type SteppedScaler } from '../support/stepped-scaler.js';

const SECOND = 1000;
const NAME = 'pilotlight-replicas';
const ref: TriggerRef = {
  namespace: 'shop',
  name: 'triton',
  metadata: { profile: 'triton-pending', target: '10', holdFor: '30s' },
};

let time: number;
const clock = { now: () => 1_800_000_000_000 + time };
let api: PrometheusApi;
let stepped: SteppedScaler;

beforeEach(async () => {
  time = 0;
  api = await servePrometheusApi(good);
  stepped = await stepByHand({ prometheus: api.url }, { clock, tickMs: 500 });
});

afterEach(async () => {
  await stepped.stop();
  await api.stop();
});

/** Twenty-five requests wait on two pods: 2.5 replicas. */
const QUEUES = [18, 7];
const good: ApiAnswer = (promql, response) => response.end(answerTo(promql, series(QUEUES)));

function series(values: readonly (number | string)[]): ApiSeries[] {
  return values.map((value, index) => ({
    labels: { namespace: 'shop', pod: podOf('triton', index) },
    value,
  }));
}

/** Nobody but the pods has anything to say: the wake signal's query is answered with nothing. */
function answerTo(promql: string, all: readonly ApiSeries[], evaluated = clock.now()): string {
  return vectorOf(promql.includes('nv_inference_pending_request_count') ? all : [], evaluated);
}

async function tickAt(seconds: number): Promise<void> {
  time = seconds * SECOND;
  await stepped.scaler.tick();
}

async function published(): Promise<{ value: number; active: boolean }> {
  const [value] = await stepped.keda.metrics(ref, NAME, FROM_HPA);
  return { value: value!.metricValueFloat, active: await stepped.keda.isActive(ref) };
}

/** What a real Prometheus, or the proxy in front of it, does at its worst. */
interface Fault {
  readonly answer: ApiAnswer;
  readonly why: RegExp;
  /** False: the answer is a good one, and says that there is nothing to go by. */
  readonly fails?: boolean;
}

const FAULTS: Readonly<Record<string, Fault>> = {
  'answers after half a minute': {
    answer: (promql, response) => {
      const timer = setTimeout(() => good(promql, response), 30 * SECOND);
      response.on('close', () => clearTimeout(timer));
    },
    why: /no answer within/,
  },
  'says 200 with an error in the body': {
    answer: (_promql, response) => response.end('{"status":"error","errorType":"execution","error":"boom"}'),
    why: /execution: boom/,
  },
  'says 503 in HTML': {
    answer: (_promql, response) => response.writeHead(503).end('<h1>upstream connect error</h1>'),
    why: /HTTP 503/,
  },
  'breaks off in the middle': {
    answer: (promql, response) => {
      response.write(answerTo(promql, series(QUEUES)).slice(0, 200));
      setTimeout(() => response.destroy(), 10);
    },
    why: /connection failed/,
  },
  'answers with only part of its storage': {
    answer: (promql, response) =>
      response.end(
        answerTo(promql, series([0])).replace('{"status"', '{"warnings":["store X is down"],"status"'),
      ),
    why: /partial answer/,
  },
  'sends more than fits': {
    answer: (_promql, response) => {
      response.write('{"status":"success","data":{"resultType":"vector","result":[');
      const chunk = Buffer.alloc(1024 * 1024, ' ');
      const more = () => {
        while (!response.destroyed && response.write(chunk));
      };
      response.on('drain', more);
      more();
    },
    why: /32 MiB|too (?:large|long)|larger than|more than/,
  },
  'knows the metric no more': {
    answer: (_promql, response) => response.end(vectorOf([], clock.now())),
    why: /for nobody/,
    fails: false,
  },
  'gives NaN, infinities and negative values alone': {
    answer: (promql, response) => response.end(answerTo(promql, series(['NaN', '-1', '+Inf', '-Inf']))),
    why: /only values that are NaN, infinite, negative/,
    fails: false,
  },
  'stopped scraping two minutes ago': {
    answer: (promql, response) =>
      response.end(
        answerTo(
          promql,
          series([0, 0]).map((each) => ({ ...each, ageSeconds: 120 })),
        ),
      ),
    why: /no sample younger than/,
    fails: false,
  },
};

describe('a Prometheus that', () => {
  test.each(Object.entries(FAULTS))('%s costs no replica', async (_what, { answer, why, fails = true }) => {
    await published();
    await tickAt(1);
    expect(await published()).toEqual({ value: 3, active: true });
    api.answer = answer;
    // While the source fails, its last values still say something for 90 s. Then the last decision stands for 30 s.
    const standing = fails ? [60, 95, 120] : [60, 85];
    for (const seconds of standing) {
      await tickAt(seconds);
      expect(await published()).toEqual({ value: 3, active: true });
    }
    await tickAt(standing.at(-1)! + 10);
    for (const call of [() => stepped.keda.isActive(ref), () => stepped.keda.metrics(ref, NAME, FROM_HPA)]) {
      const { code, details } = await refusal(call());
      expect(code).toBe('UNAVAILABLE');
      expect(details).toMatch(why);
      expect(details).toContain('holdFor is 30 s');
    }
    expect(await stepped.keda.metricSpec(ref)).toHaveLength(1); // with it the ScaledObject's fallback works
    api.answer = good;
    api.hangUp();
    await expect
      .poll(async () => {
        await tickAt(time / SECOND + 60); // also past the longest pause of the circuit breaker
        return published().catch(() => null);
      })
      .toEqual({ value: 3, active: true });
  });
});

describe('an answer', () => {
  async function decided(answer: ApiAnswer) {
    api.answer = answer;
    await stepped.keda.isActive(ref);
    return stepped.registry.named('shop', 'triton')[0]!.decision!;
  }

  test('with a pod twice counts the larger value once', async () => {
    const all = [...series([20, 5]), ...series([12])];
    const decision = await decided((promql, response) => response.end(answerTo(promql, all)));
    expect(decision.signals[0]).toMatchObject({ raw: 25, pods: 2, faults: { duplicate: 1 } });
  });

  test('with some unsound values goes by the others, and a pod without one is no reason to scale down', async () => {
    const decision = await decided((promql, response) =>
      response.end(answerTo(promql, series(['NaN', 25, '+Inf', '-3']))),
    );
    expect(decision.signals[0]).toMatchObject({ raw: 25, pods: 1, faults: { unsound: 3 } });
    expect(decision.desired).toBeGreaterThanOrEqual(3);
  });

  test.each([-120, 120])('from a clock %d s off is as old as it says', async (off) => {
    const decision = await decided((promql, response) =>
      response.end(answerTo(promql, series(QUEUES), clock.now() + off * SECOND)),
    );
    expect(decision).toMatchObject({ desired: 3, verdict: 'fresh' });
    expect(decision.signals[0]!.age).toBe(SECOND);
  });

  test('of 20 MB is read without making KEDA wait', { timeout: 60_000 }, async () => {
    const others = Array.from({ length: 90_000 }, (_, index) => ({
      labels: { namespace: 'elsewhere', pod: podOf(`model-${index}`) },
      value: index,
    }));
    const body = answerTo('nv_inference_pending_request_count', [...others, ...series(QUEUES)]);
    expect(body.length).toBeGreaterThan(20_000_000);
    await published();
    api.answer = (promql, response) => response.end(promql.includes('nv_') ? body : vectorOf([]));
    const read = new AbortController();
    const slowest = (async () => {
      let most = 0;
      while (!read.signal.aborted) {
        const started = performance.now();
        await stepped.keda.isActive(ref);
        most = Math.max(most, performance.now() - started);
        await pause(1);
      }
      return most;
    })();
    // The tick ends without it and the last values stand in; the answer is there for a later one.
    for (let tick = 0; tick < 6; tick += 1) await tickAt(tick);
    read.abort();
    console.log(`slowest call while 20 MB were read: ${(await slowest).toFixed(1)} ms`);
    expect(await slowest).toBeLessThan(3000); // some tens of milliseconds on a machine that is not busy
    expect(await published()).toEqual({ value: 3, active: true });
  });
});
