import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { nearest } from '../../src/policy/nearest.js';

const KEYS = ['profile', 'target', 'holdFor', 'minReplicas', 'maxReplicas', 'tolerance'];

test.each([
  ['taget', 'target'],
  ['TARGET', 'target'],
  ['holdfor', 'holdFor'],
  ['hold_for', 'holdFor'],
  ['maxReplica', 'maxReplicas'],
  ['minReplicaCount', null], // four letters too many: the nearest would be a guess
  ['tolerence', 'tolerance'],
  ['profil', 'profile'],
  ['xyz', null],
  ['', null],
])('%s → %s', (word, expected) => expect(nearest(word, KEYS)).toBe(expected));

test('nothing is nearest to anything where there are no candidates', () => {
  expect(nearest('target', [])).toBeNull();
});

test('a word of the list is its own nearest', () => {
  for (const key of KEYS) expect(nearest(key, KEYS)).toBe(key);
});

test('one typo away is found, whatever the typo', () => {
  const typo = fc.tuple(fc.constantFrom(...KEYS), fc.nat(20), fc.constantFrom('insert', 'drop', 'change'));
  fc.assert(
    fc.property(typo, ([key, at, kind]) => {
      const place = at % key.length;
      const rest = key.slice(place + (kind === 'insert' ? 0 : 1));
      const word = `${key.slice(0, place)}${kind === 'drop' ? '' : 'q'}${rest}`;
      expect(nearest(word, KEYS)).toBe(key);
    }),
  );
});

test('any text, however long, is answered with a candidate or nothing', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.string({ minLength: 1000, maxLength: 5000 })), (word) => {
      const found = nearest(word, KEYS);
      expect(found === null || KEYS.includes(found)).toBe(true);
    }),
  );
});
