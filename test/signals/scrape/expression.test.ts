import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ScrapeExpression } from '../../../src/policy/profile.js';
import { evaluate, type Evaluated, type ObservedSeries } from '../../../src/signals/scrape/expression.js';
import { needsOf } from '../../../src/signals/scrape/needs.js';
import { pointOf, withPage, type History } from '../../../src/signals/scrape/snapshots.js';
import { exposition, profile, samplesOf } from './support.js';

/** The value over pages scraped at these seconds, the last of which is now. */
function over(
  pages: readonly (readonly [seconds: number, page: string])[],
  value: ScrapeExpression,
): Evaluated {
  const { scrape } = profile(value);
  if ('none' in scrape) throw new Error('the profile has a direct form');
  const needs = needsOf(scrape);
  let history: History | null = null;
  for (const [seconds, page] of pages)
    history = withPage(history, { at: seconds * 1000, samples: samplesOf(page) }, needs);
  if (history === null) throw new Error('no page');
  const { page, earlier } = history;
  const series: ObservedSeries[] = page.samples.map((sample) => {
    return { sample, at: pointOf(sample, page.at).at, earlier };
  });
  return evaluate(value, series);
}

function on(page: string, value: ScrapeExpression): Evaluated {
  return over([[0, page]], value);
}

describe('series of one page', () => {
  const page = 'q{m="a",kind="x"} 3\nq{m="b",kind="y"} 5\nq{m="c"} 7\nq{m="d",kind=""} 9\nold 1\n';

  it.each<[ScrapeExpression, Evaluated]>([
    [{ sum: ['q'] }, 24],
    [{ mean: ['q'] }, 6],
    [{ max: ['q'] }, 9],
    [{ sum: ['q'], where: { kind: ['x', 'y'] } }, 8],
    [{ sum: ['q'], where: { kind: ['x'], m: ['b'] } }, 'absent'],
    [{ sum: ['q'], where: { kind: 'present' } }, 8],
    [{ sum: ['q'], where: { kind: 'absent' } }, 16],
    [{ sum: ['q'], where: { kind: [''] } }, 9],
    [{ sum: ['missing', 'q', 'old'] }, 24],
    [{ sum: ['missing'] }, 'absent'],
    [{ mean: ['missing'] }, 'absent'],
    [{ max: ['missing'] }, 'absent'],
    [{ constant: 2 }, 2],
    [{ add: [{ sum: ['q'] }, { sum: ['old'] }, { constant: 1 }] }, 26],
    [{ add: [{ sum: ['q'] }, { sum: ['missing'] }] }, 'absent'],
    [{ subtract: [{ constant: 1 }, { sum: ['q'] }] }, -23],
    [{ multiply: [{ constant: 100 }, { sum: ['old'] }] }, 100],
    [{ ratio: [{ sum: ['q'] }, { constant: 4 }] }, 6],
    [{ ratio: [{ sum: ['q'] }, { constant: 0 }] }, 'absent'],
    [{ ratio: [{ sum: ['missing'] }, { constant: 4 }] }, 'absent'],
    [{ clampMax: [{ sum: ['q'] }, 1] }, 1],
    [{ clampMax: [{ sum: ['missing'] }, 1] }, 'absent'],
    [{ first: [{ sum: ['missing'] }, { sum: ['old'] }, { constant: 9 }] }, 1],
    [{ first: [{ sum: ['missing'] }, { ratio: [{ constant: 1 }, { constant: 0 }] }] }, 'absent'],
  ])('%j is %s', (expression, value) => {
    expect(on(page, expression)).toBe(value);
  });

  it('hands NaN on, which only max passes over', () => {
    const nan = 'q{m="a"} NaN\nq{m="b"} 5\n';
    expect(on(nan, { sum: ['q'] })).toBeNaN();
    expect(on(nan, { mean: ['q'] })).toBeNaN();
    expect(on(nan, { max: ['q'] })).toBe(5);
    expect(on('q NaN\n', { max: ['q'] })).toBeNaN();
    expect(on(nan, { ratio: [{ constant: 1 }, { sum: ['q'] }] })).toBeNaN();
  });
});

describe('rate', () => {
  const rate: ScrapeExpression = { rate: ['c'] };

  it('is per second over the measured time, summed over series', () => {
    expect(
      over(
        [
          [0, 'c{m="a"} 100\nc{m="b"} 7\n'],
          [4, 'c{m="b"} 9\nc{m="a"} 110\n'],
        ],
        rate,
      ),
    ).toBe(3);
  });

  it('has no value before there are two pages', () => {
    expect(on('c 100\n', rate)).toBe('early');
    expect(on('other 100\n', rate)).toBe('absent');
  });

  it('counts from 0 after a reset', () => {
    expect(
      over(
        [
          [0, 'c 1000\n'],
          [10, 'c 40\n'],
        ],
        rate,
      ),
    ).toBe(4);
  });

  it('compares with the scrape before, not an older one', () => {
    expect(
      over(
        [
          [0, 'c 0\n'],
          [10, 'c 1000\n'],
          [20, 'c 1010\n'],
        ],
        rate,
      ),
    ).toBe(1);
  });

  it('does not count a series that was not there before, and does not take it for idle', () => {
    expect(
      over(
        [
          [0, 'other 1\n'],
          [10, 'c 500\n'],
        ],
        rate,
      ),
    ).toBe('early');
    expect(
      over(
        [
          [0, 'c{m="a"} 10\n'],
          [10, 'c{m="a"} 30\nc{m="b"} 500\n'],
        ],
        rate,
      ),
    ).toBe(2);
    expect(
      over(
        [
          [0, 'c 1\n'],
          [10, 'other 1\n'],
        ],
        rate,
      ),
    ).toBe('absent');
  });

  it('measures by the timestamps of the samples where they carry some', () => {
    expect(
      over(
        [
          [10, 'c 100 9000\n'],
          [20, 'c 130 15000\n'],
        ],
        rate,
      ),
    ).toBe(5);
    expect(
      over(
        [
          [10, 'c 100 9000\n'],
          [20, 'c 100 9000\n'],
        ],
        rate,
      ),
    ).toBe('early');
  });

  it('gives no value where the clock went back', () => {
    expect(
      over(
        [
          [100, 'c 1\n'],
          [90, 'c 5\n'],
        ],
        rate,
      ),
    ).toBe('early');
  });

  it('starts anew with the process, though the counter has passed its old value', () => {
    const page = (start: number, count: number) => `process_start_time_seconds ${start}\nc ${count}\n`;
    expect(
      over(
        [
          [0, page(1e9, 10)],
          [10, page(1e9 + 5, 500)],
        ],
        rate,
      ),
    ).toBe('early');
    expect(
      over(
        [
          [0, page(1e9, 10)],
          [10, page(1e9 + 1, 500)],
        ],
        rate,
      ),
    ).toBe(49); // the boot time wanders
  });

  it('hands NaN on', () => {
    expect(
      over(
        [
          [0, 'c NaN\n'],
          [10, 'c 5\n'],
        ],
        rate,
      ),
    ).toBeNaN();
    expect(
      over(
        [
          [0, 'c 5\n'],
          [10, 'c NaN\n'],
        ],
        rate,
      ),
    ).toBeNaN();
  });

  it('is never negative, and exact without resets', () => {
    const count = fc.integer({ min: -1000, max: 1_000_000 });
    fc.assert(
      fc.property(count, count, fc.integer({ min: 1, max: 300 }), (before, now, seconds) => {
        const value = over(
          [
            [0, `c ${before}\n`],
            [seconds, `c ${now}\n`],
          ],
          rate,
        );
        expect(value).toBeGreaterThanOrEqual(0);
        if (now >= before) expect(value).toBeCloseTo((now - before) / seconds, 9);
        else expect(value).toBeCloseTo(Math.max(0, now) / seconds, 9);
      }),
    );
  });
});

describe('delta', () => {
  const delta: ScrapeExpression = { delta: ['c'], over: '30s' };
  const every5 = (to: number): [number, string][] =>
    Array.from({ length: to / 5 + 1 }, (_, i): [number, string] => [i * 5, `c ${i * 5}\n`]);

  it('is the difference to the page nearest to that age', () => {
    expect(over(every5(60), delta)).toBe(30);
    expect(
      over(
        [
          [0, 'c 0\n'],
          [14, 'c 14\n'],
          [40, 'c 40\n'],
        ],
        delta,
      ),
    ).toBe(26);
    expect(
      over(
        [
          [0, 'c 0\n'],
          [28, 'c 28\n'],
          [40, 'c 40\n'],
        ],
        delta,
      ),
    ).toBe(40);
  });

  it('has no value rather than one over much less, or more, than its time', () => {
    expect(over(every5(10), delta)).toBe('early');
    expect(over(every5(15), delta)).toBe(15);
    expect(
      over(
        [
          [0, 'c 0\n'],
          [46, 'c 46\n'],
        ],
        delta,
      ),
    ).toBe('early');
    expect(on('c 0\n', delta)).toBe('early');
    expect(on('other 0\n', delta)).toBe('absent');
  });

  it('does not know resets', () => {
    expect(
      over(
        [
          [0, 'c 1000\n'],
          [30, 'c 300\n'],
        ],
        delta,
      ),
    ).toBe(-700);
  });

  it('works at any scrape interval up to one and a half times its time', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 45 }), fc.integer({ min: 50, max: 150 }), (interval, count) => {
        const pages = Array.from({ length: count }, (_, i): [number, string] => [
          i * interval,
          `c ${i * interval}\n`,
        ]);
        const value = over(pages, delta);
        // Half an interval, and half the spacing of what is kept (30 s ÷ 8).
        expect(Math.abs((value as number) - 30)).toBeLessThanOrEqual(Math.max(interval / 2, 15));
        if (interval <= 15)
          expect(Math.abs((value as number) - 30)).toBeLessThanOrEqual((interval + 30 / 8) / 2 + 1e-9);
      }),
      { numRuns: 60 },
    );
  });
});

describe('what is not known yet is not what is absent', () => {
  const early: ScrapeExpression = { rate: ['c'] };

  it('in first, where a later operand only stands in', () => {
    expect(on('c 1\n', { first: [early, { constant: 0 }] })).toBe('early');
    expect(on('d 1\n', { first: [early, { constant: 0 }] })).toBe(0);
  });

  it('in arithmetic', () => {
    expect(on('c 1\n', { add: [early, { constant: 1 }] })).toBe('early');
    expect(on('c 1\n', { ratio: [{ constant: 1 }, early] })).toBe('early');
    expect(on('c 1\n', { clampMax: [early, 1] })).toBe('early');
    expect(on('c 1\n', { add: [early, { sum: ['d'] }] })).toBe('absent');
  });
});

describe('the servers', () => {
  const queueTime: ScrapeExpression = {
    ratio: [{ rate: ['nv_inference_queue_duration_us'] }, { rate: ['nv_inference_request_success'] }],
  };

  it('Triton: a model in two series is the same as in one', () => {
    const one = (done: number, queued: number) =>
      `nv_inference_request_success{model="m",version="1"} ${done}\n` +
      `nv_inference_queue_duration_us{model="m",version="1"} ${queued}\n`;
    const two = (done: number, queued: number) =>
      `nv_inference_request_success{gpu_uuid="GPU-1",model="m",version="1"} ${done}\n` +
      'nv_inference_request_success{model="m",version="1"} 0\n' +
      `nv_inference_queue_duration_us{gpu_uuid="GPU-1",model="m",version="1"} ${queued}\n` +
      'nv_inference_queue_duration_us{model="m",version="1"} 0\n';
    const inOne = over(
      [
        [0, one(100, 5000)],
        [5, one(160, 11_000)],
      ],
      queueTime,
    );
    const inTwo = over(
      [
        [0, two(100, 5000)],
        [5, two(160, 11_000)],
      ],
      queueTime,
    );
    expect(inOne).toBe(100);
    expect(inTwo).toBe(inOne);
  });

  it('Triton: the sample page, loaded model by model', () => {
    const page = exposition('triton');
    const pending = samplesOf(page).filter(({ name }) => name === 'nv_inference_pending_request_count');
    expect(pending.length).toBeGreaterThan(3); // two series for the model that was loaded later
    expect(on(page, { sum: ['nv_inference_pending_request_count'] })).toBe(
      pending.reduce((sum, { value }) => sum + value, 0),
    );
    expect(on(page, { sum: ['nv_inference_request_failure'], where: { reason: ['REJECTED'] } })).toBe(41);
    expect(
      over(
        [
          [0, page],
          [5, page],
        ],
        queueTime,
      ),
    ).toBe('absent'); // nothing ended: no mean
  });

  it('TGI: an idle page has nothing, a busy one the load', () => {
    const load: ScrapeExpression = {
      add: [{ sum: ['tgi_queue_size'] }, { sum: ['tgi_batch_current_size'] }],
    };
    expect(on(exposition('tgi-idle'), load)).toBe('absent');
    expect(on(exposition('tgi'), load)).toBe(17);
  });

  it('vLLM: old and new names', () => {
    const cache: ScrapeExpression = { max: ['vllm:kv_cache_usage_perc', 'vllm:gpu_cache_usage_perc'] };
    expect(on(exposition('vllm'), cache)).toBe(0.8126934984520124);
    expect(on(exposition('vllm-v0'), cache)).toBe(0.7401129943502824);
    // Not the series by reason, whose name only begins alike.
    expect(on(exposition('vllm'), { sum: ['vllm:num_requests_waiting'] })).toBe(12);
    expect(on(exposition('vllm-v0'), { sum: ['vllm:num_requests_waiting'] })).toBe(6);
  });
});
