import { record, type Json } from './json.js';

const FACTORS: Readonly<Record<string, number>> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  '': 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};
const QUANTITY = /^([+-]?(?:\d+\.?\d*|\.\d+))(?:([eE][+-]?\d+)|([numkMGTPE]|[KMGTPE]i)?)$/;

/**
 * A Kubernetes quantity (apimachinery pkg/api/resource) as a number of its base unit: `500m` is 0.5, `1Gi` is 1073741824.
 * Null for what is none; never negative: no resource is.
 */
export function quantity(value: Json): number | null {
  if (typeof value === 'number') return Number.isFinite(value) && value >= 0 ? value : null;
  if (typeof value !== 'string') return null;
  const match = QUANTITY.exec(value);
  if (match === null) return null;
  const [, digits = '', exponent = '', suffix = ''] = match;
  const number =
    suffix === 'm' ? Number(digits) / 1000 : Number(`${digits}${exponent}`) * (FACTORS[suffix] ?? 1);
  return Number.isFinite(number) && number >= 0 ? number : null;
}

/** Those of a resource list that are quantities. */
export function quantities(value: Json): Record<string, number> {
  const found: Record<string, number> = {};
  for (const [name, given] of Object.entries(record(value))) {
    const amount = quantity(given);
    if (amount !== null) found[name] = amount;
  }
  return found;
}
