import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseDuration } from '../../src/policy/duration.js';

test.each([
  ['0', 0],
  ['0s', 0],
  ['90s', 90_000],
  ['5m', 300_000],
  ['1h30m', 5_400_000],
  ['1h2m3s', 3_723_000],
  ['1h3s', 3_603_000],
  ['86400s', 86_400_000],
])('%s', (text, milliseconds) => expect(parseDuration(text)).toBe(milliseconds));

test.each([
  '',
  ' ',
  '5',
  '-5s',
  '1.5m',
  '5 m',
  '5M',
  '3s2m',
  '1h1h',
  's',
  'h',
  '1d',
  '5m ',
  '٣s',
  '1e3s',
  '999999999s',
  '5m\n',
])('%j is none', (text) => expect(parseDuration(text)).toBeNull());

test('what is written is what is read', () => {
  fc.assert(
    fc.property(fc.nat(999), fc.nat(59), fc.nat(59), (hours, minutes, seconds) => {
      expect(parseDuration(`${hours}h${minutes}m${seconds}s`)).toBe(
        ((hours * 60 + minutes) * 60 + seconds) * 1000,
      );
    }),
  );
});

test('any text is a whole number of milliseconds or nothing', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      const parsed = parseDuration(text);
      expect(parsed === null || (Number.isSafeInteger(parsed) && parsed >= 0)).toBe(true);
    }),
  );
});
