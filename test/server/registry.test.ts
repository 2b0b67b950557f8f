import { beforeEach, describe, expect, test } from 'vitest';
import * as fc from 'fast-check';
import { loadProfiles } from '../../src/server/profiles-folder.js';
import { permissionsOf } from '../../src/server/permissions.js';
import { Registry } from '../../src/server/registry.js';
import { resolveSettings } from '../../src/server/settings.js';
import { identity } from '../../src/server/workload.js';

const profiles = loadProfiles(undefined);
const permissions = permissionsOf(resolveSettings({ flags: {}, environment: {}, file: null }));
let time = 0;
let registry: Registry;

beforeEach(() => {
  time = 0;
  registry = new Registry(profiles, permissions, { now: () => time });
});

function ref(metadata: Record<string, string>, name = 'triton') {
  return { namespace: 'shop', name, metadata: { profile: 'triton-pending', ...metadata } };
}

describe('what a workload is known by', () => {
  const text = fc.string({ maxLength: 6, unit: fc.constantFrom('a', '"', '\n', '\0', ',', '\\', ':') });
  const anyRef = fc.record({
    namespace: text,
    name: text,
    metadata: fc.dictionary(text, text, { maxKeys: 3, noNullPrototype: true }),
  });

  test('namespace, name and metadata in any order, and nothing else is the same', () => {
    fc.assert(
      fc.property(anyRef, anyRef, (a, b) => {
        const canonical = ({ namespace, name, metadata }: typeof a) =>
          JSON.stringify([
            namespace,
            name,
            Object.entries(metadata).toSorted(([a], [b]) => (a < b ? -1 : 1)),
          ]);
        expect(identity(a) === identity(b)).toBe(canonical(a) === canonical(b));
        const reversed = { ...a, metadata: Object.fromEntries(Object.entries(a.metadata).toReversed()) };
        expect(identity(reversed)).toBe(identity(a));
      }),
      { numRuns: 2000 },
    );
  });

  test('what is malformed does not pass for something known, whatever its values hold', () => {
    expect(registry.find(ref({ target: '4', wake: 'none' }))).toHaveProperty('id');
    for (const separator of ['\n', '\0', '\n\0', '","'])
      expect(registry.find(ref({ target: `4${separator}wake${separator}none` }))).toMatchObject({
        kind: 'invalid',
      });
  });
});

test('two triggers of one ScaledObject are two workloads', () => {
  registry.find(ref({ target: '4' }));
  registry.find(ref({ target: '8' }));
  registry.find(ref({ target: '8' }));
  expect(registry.named('shop', 'triton').map(({ trigger }) => trigger.policy.signals[0]?.target)).toEqual([
    4, 8,
  ]);
  expect(registry.size()).toBe(2);
});

describe('many triggers of one ScaledObject', () => {
  const targets = () =>
    registry.named('shop', 'triton').map(({ trigger }) => trigger.policy.signals[0]?.target);

  test('the one that was edited away makes room for a new one', () => {
    for (let edit = 1; edit <= 20; edit += 1) {
      expect(registry.find(ref({ target: String(edit) }))).toHaveProperty('id');
      time += 30_000;
    }
    expect(targets()).toEqual([13, 14, 15, 16, 17, 18, 19, 20]);
  });

  test('of more than eight at once, those that are known keep their past', () => {
    for (let round = 0; round < 5; round += 1) {
      for (let trigger = 1; trigger <= 9; trigger += 1) {
        const found = registry.find(ref({ target: String(trigger) }));
        if (trigger <= 8) expect(found).toHaveProperty('id');
        else expect(found).toMatchObject({ kind: 'unavailable', why: /at most 8 triggers/ });
      }
      time += 30_000;
    }
    expect(targets()).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  });

  test('one with a stream stays, however long ago it was polled', () => {
    const watched = registry.find(ref({ target: '1' }));
    if ('kind' in watched) throw new Error(watched.why);
    watched.listeners.add(() => undefined);
    for (let edit = 2; edit <= 20; edit += 1) {
      time += 30_000;
      registry.find(ref({ target: String(edit) }));
    }
    expect(targets()).toContain(1);
  });
});

test('names that Kubernetes would not have are refused', () => {
  for (const namespace of ['', 'UPPER', 'a.b', 'a/b', 'a\nb', '-a', 'x'.repeat(64)])
    expect(registry.find({ ...ref({}), namespace })).toMatchObject({ kind: 'invalid', why: /^namespace: / });
  for (const name of ['', 'A', 'a/b', 'a b', 'x'.repeat(254)])
    expect(registry.find(ref({}, name))).toMatchObject({ kind: 'invalid', why: /^name: / });
  expect(registry.size()).toBe(0);
});

test('the check without remembering admits the same', () => {
  expect(registry.check(ref({}))).toHaveProperty('metricSpecs');
  expect(registry.check(ref({ target: '0' }))).toMatchObject({ kind: 'invalid', why: /^target: got "0"/ });
  expect(registry.size()).toBe(0);
});
