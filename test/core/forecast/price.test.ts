import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { countBeat, createPrice, priceOfLateness, type Price } from '../../../src/core/forecast/price.js';
import { BEATS_A_DAY } from './drive.js';

const SHARE = 0.99;
const REQUESTS = 100_000;

/** Ten days on record, of which so many requests were late; 3 GPU-seconds a request at the cheapest. */
function record(late: number, changes: Partial<Price> = {}): Price {
  return { ideal: 3 * REQUESTS, requests: REQUESTS, beats: 10 * BEATS_A_DAY, late, ...changes };
}

function price(late: number, changes: Partial<Price> = {}): number {
  return priceOfLateness(record(late, changes), SHARE);
}

describe('the price of lateness', () => {
  it('is 0 before there was a request', () => {
    expect(priceOfLateness(createPrice(), SHARE)).toBe(0);
    expect(priceOfLateness({ ...createPrice(), beats: 100 }, SHARE)).toBe(0);
  });

  it('rises while more are late than may be', () => {
    expect(price(1100)).toBeGreaterThan(price(1000));
    expect(price(1300)).toBeGreaterThan(price(1100));
  });

  it('falls while fewer are', () => {
    expect(price(900)).toBeLessThan(price(1000));
    expect(price(0)).toBeLessThanOrEqual(price(900));
  });

  it('is never nothing, nor without end', () => {
    const late = fc.nat(REQUESTS);
    fc.assert(
      fc.property(late, (each) => {
        expect(price(each)).toBeGreaterThan(price(1000) / 10);
        expect(price(each)).toBeLessThan(price(1000) * 10);
      }),
    );
  });

  it('rises with what is late until it is beyond hope, and is then the plain one', () => {
    const prices = Array.from({ length: 1000 }, (_, i) => price(i * 100));
    const turn = prices.findIndex((each, i) => each < (prices[i - 1] ?? 0));
    expect(turn).toBeGreaterThan(10);
    expect(prices.slice(0, turn)).toEqual(prices.slice(0, turn).toSorted((a, b) => a - b));
    expect(new Set(prices.slice(turn)).size).toBe(1);
    const plain = prices.at(-1) ?? 0;
    expect(plain).toBeLessThan(Math.max(...prices));
    expect(plain).toBeGreaterThan(Math.min(...prices));
  });

  it('goes with what the load costs anyhow', () => {
    expect(price(1000, { ideal: 6 * REQUESTS })).toBeCloseTo(2 * price(1000), 9);
  });

  it('does not take a bad first hour for an alarm', () => {
    const young = { requests: 1000, ideal: 3000, beats: 240 };
    const plain = price(1000) / price(1000, young);
    expect(price(30, young) * plain).toBeLessThan(price(3000) * 1.2);
    expect(price(30, young)).toBeLessThan(1.5 * price(10, young));
  });

  it.each([0.5, 0.9, 0.99, 0.9999, 1])('is a number for a share of %d', (share) => {
    for (const late of [0, 1, 100, REQUESTS]) {
      const found = priceOfLateness(record(late), share);
      expect(found).toBeGreaterThan(0);
      expect(found).toBeLessThan(Infinity);
    }
  });
});

describe('what was seen', () => {
  /** Beats of so many requests and GPU-seconds. */
  function counted(price: Price, beats: number, ideal: number, requests: number): Price {
    for (let beat = 0; beat < beats; beat += 1) countBeat(price, ideal, requests);
    return price;
  }

  it('adds up', () => {
    const { ideal, requests, beats } = counted(createPrice(), 100, 30, 10);
    expect(ideal / requests).toBeCloseTo(3, 9);
    expect(requests / beats).toBeCloseTo(10, 9);
    expect(beats).toBeCloseTo(100, 0);
  });

  it('fades, what was late with the rest', () => {
    const price = counted(createPrice(), BEATS_A_DAY, 30, 10);
    price.late = price.requests / 10;
    const before = { ...price };
    counted(price, 10 * BEATS_A_DAY, 0, 0);
    const kept = price.requests / before.requests;
    expect(kept).toBeGreaterThan(0.3);
    expect(kept).toBeLessThan(0.95);
    expect(price.late / price.requests).toBeCloseTo(0.1, 9);
    expect(price.ideal / price.requests).toBeCloseTo(3, 9);
  });

  it('of a load that costs more than it did makes the price rise', () => {
    const cheap = counted(createPrice(), BEATS_A_DAY, 30, 10);
    const before = priceOfLateness(cheap, SHARE);
    expect(priceOfLateness(counted(cheap, BEATS_A_DAY, 90, 10), SHARE)).toBeGreaterThan(before);
  });
});
