import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openFeature, type Feature } from '../../src/cluster/feature.js';
import { noRight, RefusingApi, type Answer } from './refusing-api.js';

const PODS = { group: '', version: 'v1', resource: 'pods', namespace: 'ns' };
const MINUTE = 60_000;

const allows: Answer = () => [200];
const forbids: Answer = () => [403, noRight('patch', 'pods', 'ns')];

let api: RefusingApi;
let feature: Feature;
let now: number;
let said: string[];

beforeEach(async () => {
  api = await RefusingApi.start(allows);
  now = 1_000_000;
  said = [];
  const note = (details: object, message: string) =>
    void said.push([message, ...Object.values(details)].join(' | '));
  feature = openFeature('deletionCost', api.writer(), { now: () => now }, { info: note, warn: note });
});

afterEach(() => api.stop());

const mark = (name: string, namespace = 'ns') =>
  feature.writer.merge({ ...PODS, namespace, name }, { metadata: { annotations: { cost: '1' } } });

describe('a right that is missing', () => {
  beforeEach(async () => {
    api.answer = forbids;
    await expect(mark('a')).rejects.toThrow(
      'lacks the rule {apiGroups: [""], resources: ["pods"], verbs: ["patch"]}',
    );
    api.answer = allows;
  });

  test('is said once, with the rule that is wanted, and not asked for again at every turn', async () => {
    await expect(mark('a')).rejects.toThrow('lacks the rule');
    now += 4 * MINUTE;
    await expect(mark('a')).rejects.toThrow('lacks the rule');
    expect(api.paths).toHaveLength(1);
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
    await mark('a', 'other');
    expect(api.paths).toHaveLength(2);
  });

  test('that is still missing is said once an hour at most, and the feature is off between two refusals', async () => {
    api.answer = forbids;
    for (let minutes = 0; minutes < 60; minutes += 6) {
      now += 6 * MINUTE;
      expect(feature.why()).toContain('lacks the rule');
      await expect(mark('a')).rejects.toThrow('lacks the rule');
    }
    expect(said).toHaveLength(1);
  });

  test('that nobody wants any more is none, as of a namespace that is gone', () => {
    now += 10 * MINUTE;
    expect(feature.why()).toBeNull();
  });

  test('is said again when it is missed again after a long time', async () => {
    api.answer = forbids;
    now += 61 * MINUTE;
    await expect(mark('a', 'other')).rejects.toThrow('lacks the rule');
    await expect(mark('a')).rejects.toThrow('lacks the rule');
    expect(said).toHaveLength(3);
  });
});

describe('a 403', () => {
  const refusedWith = async (message: string | undefined) => {
    api.answer = () => (message === undefined ? [403] : [403, message]);
    await expect(mark('a')).rejects.toThrow();
    const { length } = api.paths;
    await mark('b').catch(() => undefined);
    return { off: api.paths.length === length, why: feature.why() };
  };
  const rbac = noRight('patch', 'pods', 'ns');

  test.each([
    rbac,
    `${rbac}: RBAC: clusterrole.rbac.authorization.k8s.io "gone" not found`,
    `${rbac}: requires one of ["container.pods.update"] permission(s).`,
    'pods is forbidden: User "system:anonymous" cannot patch resource "pods" in API group "" at the cluster scope',
    String.raw`pods "a" is forbidden: User "an \"odd\" name" cannot patch resource "pods" in API group "" in the namespace "ns"`,
  ])('of the authorizer switches off: %s', async (message) => {
    const { off, why } = await refusedWith(message);
    expect([off, why]).toEqual([true, expect.stringContaining('verbs: ["patch"]')]);
  });

  test.each(['pods "a" is forbidden: ', 'pods "a" is forbidden: RBAC: role "x" not found'])(
    'of an apply that may not create says so: %s',
    async (message) => {
      const { off, why } = await refusedWith(message);
      expect([off, why]).toEqual([true, expect.stringContaining('verbs: ["create"]')]);
    },
  );

  test.each([
    'pods "a" is forbidden: exceeded quota: gpus, requested: requests.nvidia.com/gpu=1, used: 4, limited: 4',
    'pods "a" is forbidden: unable to create new content in namespace ns because it is being terminated',
    'pods "a" is forbidden: violates PodSecurity "restricted:latest": runAsNonRoot != true',
    'admission webhook "limits.example" denied the request: memory limit <9Ti> is higher than allowed',
    `admission webhook "limits.example" denied the request: ${rbac}`,
    undefined,
  ])('of anybody else is of that object alone, in its own words: %s', async (message) => {
    expect(await refusedWith(message)).toEqual({ off: false, why: null });
    await expect(mark('a')).rejects.toThrow(
      `the API server would not patch pods (403): ${message ?? 'HTTP 403'}`,
    );
    expect(said).toEqual([]);
  });
});

test('what fails otherwise is tried at every turn', async () => {
  api.answer = () => [404, 'pods "gone" not found'];
  await expect(mark('gone')).rejects.toThrow('(404)');
  await expect(mark('gone')).rejects.toThrow('(404)');
  expect(api.paths).toHaveLength(2);
  expect([said, feature.why()]).toEqual([[], null]);
});

test('a kind that the cluster does not have switches off as a missing right does', async () => {
  const buffers = {
    group: 'autoscaling.x-k8s.io',
    version: 'v1beta1',
    resource: 'capacitybuffers',
    namespace: 'ns',
  };
  api.answer = () => [404];
  await expect(feature.writer.list(buffers, 'a')).rejects.toThrow('(404)');
  await expect(feature.writer.list(buffers, 'a')).rejects.toThrow('(404)');
  expect(api.paths).toHaveLength(1);
});
