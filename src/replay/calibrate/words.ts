import type { Held } from './step.js';

/** Three digits, without an exponent; below a millionth it is 0. */
export function number(value: number): string {
  if (value === 0 || !Number.isFinite(value)) return String(value);
  const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))));
  return String(Number(value.toFixed(Math.min(digits, 6))));
}

export function percent(share: number): string {
  return `${number(share * 100)} %`;
}

/** `12.3 ms`, `1.5 s`. */
export function seconds(value: number): string {
  return value < 1 ? `${number(value * 1000)} ms` : `${number(value)} s`;
}

/** What a load of this kind is called, after its number. */
export function inWords(held: Held): string {
  switch (held) {
    case 'concurrency':
      return 'in flight';
    case 'users':
      return 'users';
    case 'rate':
      return 'requests/s offered';
  }
}
