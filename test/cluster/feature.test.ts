import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openFeature, type Feature } from '../../src/cluster/feature.js';
import { openWriter } from '../../src/cluster/write.js';
import { StandInApi } from './stand-in-api.js';

const PODS = { group: '', version: 'v1', resource: 'pods', namespace: 'ns' };
const MINUTE = 60_000;

let api: StandInApi;
let feature: Feature;
let now: number;
let said: string[];

beforeEach(async () => {
  api = await StandInApi.start();
  now = 1_000_000;
  said = [];
  const note = (details: object, message: string) =>
    void said.push([message, ...Object.values(details)].join(' | '));
  const access = { server: api.url, options: () => Promise.resolve({}), close: () => undefined };
  feature = openFeature('deletionCost', openWriter(access), { now: () => now }, { info: note, warn: note });
});

afterEach(() => api.stop());

const mark = (name: string) =>
  feature.writer.merge({ ...PODS, name }, { metadata: { annotations: { cost: '1' } } });

describe('a right that is missing', () => {
  beforeEach(async () => {
    api.put('/api/v1/namespaces/ns/pods/a', { metadata: { name: 'a' } }, 'kubelet');
    api.failNext(403);
    await expect(mark('a')).rejects.toThrow(
      'lacks the rule {apiGroups: [""], resources: ["pods"], verbs: ["patch"]}',
    );
  });

  test('is said once, with the rule that is wanted, and not asked for again at every turn', async () => {
    await expect(mark('a')).rejects.toThrow('lacks the rule');
    now += 4 * MINUTE;
    await expect(mark('a')).rejects.toThrow('lacks the rule');
    expect(api.requests).toHaveLength(1);
    expect(said).toEqual([
      expect.stringMatching(
        /^deletionCost: off until this is allowed; tried again every 5 min \| a Role in namespace ns /,
      ),
    ]);
    expect(feature.why()).toContain('lacks the rule');
  });

  test('is found when somebody grants it', async () => {
    now += 5 * MINUTE;
    await mark('a');
    expect(said.at(-1)).toBe('deletionCost: patch pods is allowed now');
    expect(feature.why()).toBeNull();
  });

  test('is found soon although the clock was set back', async () => {
    now -= 60 * MINUTE;
    await mark('a');
    expect(feature.why()).toBeNull();
  });

  test('in one namespace leaves the others as they are', async () => {
    api.put('/api/v1/namespaces/other/pods/a', { metadata: { name: 'a' } }, 'kubelet');
    await feature.writer.merge({ ...PODS, namespace: 'other', name: 'a' }, { metadata: {} });
    expect(api.requests).toHaveLength(2);
  });
});

test('what fails otherwise is tried at every turn', async () => {
  await expect(mark('gone')).rejects.toThrow('(404)');
  await expect(mark('gone')).rejects.toThrow('(404)');
  expect(api.requests).toHaveLength(2);
  expect([said, feature.why()]).toEqual([[], null]);
});

test('a kind that the cluster does not have switches off as a missing right does', async () => {
  const buffers = {
    group: 'autoscaling.x-k8s.io',
    version: 'v1beta1',
    resource: 'capacitybuffers',
    namespace: 'ns',
  };
  api.failNext(404);
  await expect(feature.writer.list(buffers, 'a')).rejects.toThrow('(404)');
  await expect(feature.writer.list(buffers, 'a')).rejects.toThrow('(404)');
  expect(api.requests).toHaveLength(1);
});
