/**
 * What it may cost to keep a request in time, in GPU-seconds: the one trade-off between waiting and money.
 *
 * The price starts from what the load costs anyhow. The cheapest schedule that knows the future pays `ideal` for all
 * requests so far; a late one may cost PRICE times its share of that. The price is a multiplier in the sense of Lagrange:
 * minimising cost + price × late requests meets "late ≤ 1 − share" at the right price, so it rises slowly while more than
 * that are late and falls while fewer are (dual ascent). A load that cannot be served so well for reasonable money – one
 * request a day after hours of nothing – keeps the plain price: more would burn money and still not get there.
 */
export interface Price {
  ideal: number;
  requests: number;
  beats: number;
  late: number;
}

/**
 * At the plain price all requests that may be late, together, may cost this part of what the load costs at the cheapest:
 * at 99 % one late request as much as 13 served ones, at 95 % as 2.6.
 */
const PRICE = 0.13;
const LEAST_FACTOR = 0.5;
const MOST_FACTOR = 5;
const GAIN = 5;
/** The record weighs against two days of the load's own requests, so that a bad first hour is not an alarm. */
const PATIENCE_BEATS = 2 * 5760;
/** Aims so much above the share, as part of what may be late. */
const MARGIN = 0.13;
/** Shortfalls beyond this, as a multiple of what may be late, are given up. */
const HOPELESS = 1.95;

export function createPrice(): Price {
  return { ideal: 0, requests: 0, beats: 0, late: 0 };
}

/** What was seen fades with a half-life of four weeks: loads and models change. */
const FADE = 0.5 ** (1 / (28 * 5760));

/** @param ideal GPU-seconds by which the cheapest schedule that knows the future grew in this beat */
export function countBeat(price: Price, ideal: number, requests: number): void {
  price.ideal = price.ideal * FADE + ideal;
  price.requests = price.requests * FADE + requests;
  price.beats = price.beats * FADE + 1;
  price.late *= FADE;
}

export function priceOfLateness(price: Price, share: number): number {
  if (price.requests === 0) return 0;
  return (price.ideal / price.requests) * (PRICE / mayBeLate(share)) * factorOf(price, share);
}

function factorOf({ requests, beats, late }: Price, share: number): number {
  const few = mayBeLate(share);
  const patience = (requests / beats) * PATIENCE_BEATS;
  const shortfall = (late - few * (1 - MARGIN) * requests) / (few * (requests + patience));
  if (shortfall > HOPELESS) return 1;
  return Math.min(MOST_FACTOR, Math.max(LEAST_FACTOR, Math.exp(GAIN * shortfall)));
}

function mayBeLate(share: number): number {
  return Math.max(0.0001, 1 - share);
}
