import { describe, expect, test } from 'vitest';
import { stillAsked, wasEditedAway } from '../../src/server/still-asked.js';
import { loadProfiles } from '../../src/server/profiles-folder.js';
import { Registry } from '../../src/server/registry.js';
import type { Workload } from '../../src/server/workload.js';

const NOW = 1_800_000_000_000;
const MINUTE = 60_000;

function asked(target: string, askedAt: number): Workload {
  const nothing = { prometheus: () => null, queue: () => null, query: () => ({ why: 'none here' }) };
  const registry = new Registry(loadProfiles(undefined), nothing, { now: () => askedAt });
  const metadata = { profile: 'triton-pending', target };
  const found = registry.find({ namespace: 'ns', name: 'llm', metadata });
  if ('kind' in found) throw new Error(found.kind);
  return found;
}

describe('a trigger that KEDA has not asked about for a minute', () => {
  const [before, after] = [asked('10', NOW - 2 * MINUTE), asked('20', NOW - 5000)];

  test('was edited away where it asks about another one', () => {
    expect(stillAsked([before, after])).toEqual([after]);
    expect(wasEditedAway(before, [before, after], NOW)).toBe(true);
    expect(wasEditedAway(after, [before, after], NOW)).toBe(false);
  });

  test('was not, when it is not known here any more', () => {
    expect(wasEditedAway(before, [after], NOW)).toBe(false);
    expect(wasEditedAway(before, [], NOW)).toBe(false);
  });

  test('was not, when KEDA has gone to another scaler replica', () => {
    expect(wasEditedAway(before, [before, after], NOW + 10 * MINUTE)).toBe(false);
  });

  test('was not, while it holds a stream for it', () => {
    const streamed = asked('10', NOW - 2 * MINUTE);
    streamed.listeners.add(() => undefined);
    expect(wasEditedAway(streamed, [streamed, after], NOW)).toBe(false);
  });
});

test('a clock that was set back makes no trigger the youngest', () => {
  const [before, after] = [asked('10', NOW + 60 * MINUTE), asked('20', NOW)];
  expect(wasEditedAway(after, [before, after], NOW)).toBe(false);
});
