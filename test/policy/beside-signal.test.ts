import { expect, test } from 'vitest';
import { clusterQuery } from '../../src/policy/promql.js';
import { servedProfile } from '../../src/policy/beside-signal.js';
import { profiles } from '../scalers/cases.js';

const [profile] = [...profiles.values()].filter(({ served }) => served !== undefined);

test('what is served is read as a profile of its own, made once', () => {
  const served = servedProfile(profile!)!;
  expect(served.name).toBe(`${profile!.name} served`);
  expect(servedProfile(profile!)).toBe(served);
  if (!('value' in served.prometheus)) throw new Error('expected PromQL');
  expect(clusterQuery(served, served.prometheus, false, '1m')).toContain('"pilotlight", "value"');
});

test('where a signal has no direct form or no PromQL, neither has what is served', () => {
  const none = { none: 'not here' };
  expect(servedProfile({ ...profile!, prometheus: none, scrape: none })).toMatchObject({
    prometheus: none,
    scrape: none,
  });
});

test('a profile that does not say it has none', () => {
  const { served: _, ...without } = profile!;
  expect(servedProfile(without)).toBeNull();
  expect(servedProfile(without)).toBeNull();
});
