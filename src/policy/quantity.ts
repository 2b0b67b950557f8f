export const QUANTITY = 'a quantity such as 8, 500m, 4Gi or 40G';

const SUFFIXES: Readonly<Record<string, number>> = {
  '': 1,
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
};

/** A Kubernetes quantity in its base unit: `500m` is 0.5, `4Gi` 4294967296, `1e3` 1000. Null when it is none. */
export function parseQuantity(text: string): number | null {
  const match =
    /^([+-]?(?:\d{1,18}(?:\.\d{0,9})?|\.\d{1,9}))(?:([eE][+-]?\d{1,2})|([numkMGTP]|[KMGTP]i)?)$/.exec(text);
  if (match === null) return null;
  return Number(`${match[1] ?? ''}${match[2] ?? ''}`) * (SUFFIXES[match[3] ?? ''] ?? NaN);
}
