import { beforeEach, describe, expect, test } from 'vitest';
import { MINUTE, SECOND, type Millis } from '../../src/core/time.js';
import { Throughput } from '../../src/server/throughput.js';

const FRESH = 90 * SECOND;
let throughput: Throughput;

beforeEach(() => {
  throughput = new Throughput();
});

/** Counters of pods as of a moment. */
function note(at: Millis, counts: Record<string, number>, age: Millis = 0): void {
  const samples = Object.entries(counts).map(([pod, value]) => ({ pod, value, at: at - age }));
  throughput.note('ns/llm', samples, FRESH, at);
}

const rate = (now: Millis) => throughput.perSecond('ns/llm', now);

describe('requests per second', () => {
  test('are not known before there are two counts, and never 0 for that', () => {
    expect(rate(0)).toBeNull();
    note(0, { a: 1000 });
    expect(rate(0)).toBeNull();
    note(MINUTE, { a: 1300, b: 70_000 });
    expect(rate(MINUTE)).toBe(5);
  });

  test('are 0 where counters stand still', () => {
    note(0, { a: 1000 });
    note(MINUTE, { a: 1000 });
    expect(rate(MINUTE)).toBe(0);
  });

  test('are those of the pods that are there', () => {
    for (const minute of [0, 1, 2]) note(minute * MINUTE, { a: 600 * minute, b: 60 * minute });
    expect(rate(2 * MINUTE)).toBe(11);
    note(3 * MINUTE, { b: 180 });
    note(4 * MINUTE, { b: 240 });
    expect(rate(4 * MINUTE)).toBe(1);
  });

  test('keep a pod that misses one scrape', () => {
    note(0, { a: 0, b: 0 });
    note(MINUTE, { a: 600, b: 60 });
    note(2 * MINUTE, { b: 120 });
    expect(rate(2 * MINUTE)).toBe(11);
  });

  test('are the mean of five minutes', () => {
    let count = 0;
    for (let minute = 0; minute <= 10; minute += 1) {
      count += minute <= 5 ? 60_000 : 60 * minute;
      note(minute * MINUTE, { a: count });
    }
    expect(rate(10 * MINUTE)).toBe(8);
  });

  test('leave out the stretch in which a counter began anew', () => {
    note(0, { a: 5000 });
    note(MINUTE, { a: 5600 });
    note(2 * MINUTE, { a: 40 });
    note(3 * MINUTE, { a: 640 });
    expect(rate(3 * MINUTE)).toBe(10);
  });

  test('are over the time between the samples, and a sample that came before is none', () => {
    note(0, { a: 0 }, 20 * SECOND);
    note(MINUTE, { a: 300 }, 50 * SECOND);
    expect(rate(MINUTE)).toBe(10);
    note(80 * SECOND, { a: 300 }, 70 * SECOND);
    expect(rate(80 * SECOND)).toBe(10);
  });

  test('add up the models of a pod', () => {
    const models = (at: Millis, ...counts: number[]) =>
      throughput.note(
        'ns/llm',
        counts.map((value) => ({ pod: 'a', value, at })),
        FRESH,
        at,
      );
    models(0, 100, 7);
    models(MINUTE, 160, 67);
    expect(rate(MINUTE)).toBe(2);
  });

  test('are not taken from what is no count, or too old', () => {
    note(0, { a: 0 });
    note(MINUTE, { a: Number.NaN });
    note(2 * MINUTE, { a: 600 }, 2 * MINUTE);
    expect(rate(2 * MINUTE)).toBeNull();
  });

  test('are not known any more when nobody has said so for three minutes, or the workload is gone', () => {
    note(0, { a: 0 });
    note(MINUTE, { a: 60 });
    expect(rate(4 * MINUTE)).toBe(1);
    expect(rate(4 * MINUTE + 1)).toBeNull();
    throughput.keep(new Set());
    expect(rate(MINUTE)).toBeNull();
  });
});
