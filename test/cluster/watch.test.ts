import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { stateFile } from '../../src/cluster/state-file.js';
import type { Cluster } from '../../src/ports/cluster.js';
import { ApiServer } from '../support/api-server.js';
import { deployment, node, openOn, pod, scaledObject } from '../support/cluster-under-test.js';
import { eventually, temporaryFolder } from '../support/processes.js';

const TARGET = { namespace: 'ns', kind: 'deployment', name: 'llm' } as const;

describe('the watches', () => {
  let server: ApiServer;
  let cluster: Cluster | null = null;
  let warnings: string[] = [];

  const open = async (parts: Parameters<typeof openOn>[1] = {}) => {
    ({ cluster, warnings } = await openOn(server, parts));
    return cluster;
  };
  const settles = (what: string, holds: () => boolean) =>
    eventually(what, async () => (holds() ? true : undefined));
  const current = () => cluster?.replicas(TARGET)?.current ?? null;
  const why = () => {
    const answer = cluster?.facts('ns', 'llm');
    return answer?.kind === 'unknown' ? answer.why : 'known';
  };
  const lists = (resource: string) =>
    server.requests.filter(
      ({ path, query }) => path.endsWith(`/${resource}`) && !query.has('watch') && !query.has('continue'),
    ).length;

  beforeEach(async () => {
    server = await ApiServer.start();
    server.put('scaledobjects', scaledObject('llm', { maxReplicaCount: 7 }));
    server.put('deployments', deployment('llm', 2));
    server.put('nodes', node('n1', -1000, 4));
    for (const id of ['a', 'b', 'c', 'd', 'e']) server.put('pods', pod('other', id, { node: 'n1' }));
    server.put('pods', pod('llm', 'a', { node: 'n1', started: 5, ready: 9 }));
  });
  afterEach(async () => {
    await cluster?.close();
    cluster = null;
    await server.stop();
    expect(server.refused).toEqual([]);
  });

  it('lists page by page and knows all when it is open', async () => {
    await open();
    expect(cluster?.replicas(TARGET)).toEqual({ current: 2, ready: 1 });
    const pods = cluster?.pods();
    expect(pods?.kind === 'known' && pods.items.length).toBe(6);
    expect(cluster?.health()).toMatchObject({ kind: 'current', why: null });
    const pages = server.requests.filter(({ path, query }) => path === '/api/v1/pods' && !query.has('watch'));
    expect(pages.map(({ query }) => query.has('continue'))).toEqual([false, true, true]);
  });

  it('asks for no pods that have ended, and forgets one that ends', async () => {
    server.put('pods', pod('llm', 'done', { node: 'n1', phase: 'Succeeded' }));
    await open();
    server.put('pods', pod('llm', 'a', { node: 'n1', started: 5, ready: 9, phase: 'Failed' }));
    await settles('the failed pod is gone', () => cluster?.replicas(TARGET)?.ready === 0);
    const pods = cluster?.pods();
    expect(pods?.kind === 'known' && pods.items.length).toBe(5);
  });

  it('goes on from where it was when a connection breaks, without listing anew', async () => {
    await open();
    await settles('watched', () => server.watchers('deployments') === 1);
    server.hangUp('deployments');
    server.put('deployments', deployment('llm', 5));
    await settles('5 replicas', () => current() === 5);
    expect(lists('deployments')).toBe(1);
  });

  it('goes on from a bookmark, after what a watch has not seen was compacted', async () => {
    await open();
    await settles('watched', () => server.watchers('deployments') === 1);
    for (let step = 0; step < 5; step += 1) server.put('pods', pod('other', `new${step}`));
    server.bookmark('deployments');
    await settles('the pods', () => {
      const pods = cluster?.pods();
      return pods?.kind === 'known' && pods.items.length === 11;
    });
    server.compact('deployments');
    server.hangUp('deployments');
    server.put('deployments', deployment('llm', 6));
    await settles('6 replicas', () => current() === 6);
    expect(lists('deployments')).toBe(1);
  });

  it('lists anew when its version is too old (410), and drops what was deleted meanwhile', async () => {
    await open();
    await settles('watched', () => server.watchers('pods') === 1);
    server.faults.set('pods', { kind: 'status', code: 500, reason: 'InternalError' });
    server.hangUp('pods');
    server.remove('pods', 'ns/llm-abc123-a');
    server.put('pods', pod('llm', 'z', { node: 'n1', started: 5, ready: 9 }));
    server.put('pods', pod('llm', 'y', { node: 'n1', started: 5, ready: 9 }));
    server.compact('pods');
    server.faults.clear();
    await settles('2 ready', () => cluster?.replicas(TARGET)?.ready === 2);
    const pods = cluster?.pods();
    expect(pods?.kind === 'known' ? pods.items.map(({ name }) => name).sort() : []).not.toContain(
      'llm-abc123-a',
    );
    expect(lists('pods')).toBe(2);
  });

  it('takes a list whole when its pages expire before it has them', async () => {
    server.fleeting.add('pods');
    await open();
    expect(cluster?.replicas(TARGET)).toEqual({ current: 2, ready: 1 });
    const asked = server.requests.filter(({ path, query }) => path === '/api/v1/pods' && !query.has('watch'));
    expect(asked.map(({ query }) => [query.has('limit'), query.has('continue')])).toEqual([
      [true, false],
      [true, true],
      [false, false],
    ]);
  });

  it('lists anew after garbage in a watch, because nobody knows what was missed', async () => {
    await open();
    await settles('watched', () => server.watchers('deployments') === 1);
    server.inject('deployments', '{"type":"MODIFIED","object":{"metada\n');
    await settles('listed anew', () => lists('deployments') === 2 && server.watchers('deployments') === 1);
    server.inject('deployments', '{"type":"SURPRISE","object":{}}\n');
    await settles('listed anew', () => lists('deployments') === 3 && server.watchers('deployments') === 1);
    server.put('deployments', deployment('llm', 4));
    await settles('4 replicas', () => current() === 4);
    expect(warnings).toContain('the API server sent a watch event that is not JSON');
  });

  it('takes an ERROR event by its code', async () => {
    await open();
    await settles('watched', () => server.watchers('deployments') === 1);
    const status = { kind: 'Status', status: 'Failure', message: 'too old', reason: 'Expired', code: 410 };
    server.inject('deployments', `${JSON.stringify({ type: 'ERROR', object: status })}\n`);
    await settles('listed anew', () => lists('deployments') === 2);
  });

  it('leaves out an object that cannot be read, and keeps the others', async () => {
    server.put('scaledobjects', scaledObject('odd', { minReplicaCount: -1 }));
    await open();
    expect(why()).toBe('known');
    const odd = cluster?.facts('ns', 'odd');
    expect(odd?.kind === 'unknown' && odd.why).toBe(
      'the ScaledObject ns/odd cannot be read: spec.minReplicaCount: expected a whole number ≥ 0',
    );
    expect(
      cluster?.health().watches.find(({ resource }) => resource === 'scaledobjects.keda.sh')?.unreadable,
    ).toBe(1);
    server.put('scaledobjects', scaledObject('odd', { minReplicaCount: 1 }));
    server.put('deployments', deployment('odd', 1));
    await settles('mended', () => cluster?.facts('ns', 'odd').kind === 'known');
  });

  it('knows nothing without access, names the missing rule, and knows all when it is granted', async () => {
    server.forbidden.add('deployments');
    await open({ startWithin: 300 });
    expect(why()).toMatch(
      /no cluster access to deployments\.apps: not listed yet after .*: a ClusterRole bound to our service account lacks the rule \{apiGroups: \["apps"\], resources: \["deployments"\], verbs: \["list", "watch"\]\} \(403: deployments\.apps is forbidden: User "nobody"/,
    );
    expect(current()).toBeNull();
    expect(cluster?.health()).toMatchObject({
      kind: 'starting',
      why: expect.stringContaining('"deployments"'),
    });
    server.forbidden.clear();
    await settles('known', () => why() === 'known');
    expect(cluster?.health().kind).toBe('current');
    expect(warnings.filter((line) => line.includes('403'))).toHaveLength(1);
  });

  it('decides without nodes and events, and says that capacity is not known', async () => {
    server.forbidden.add('nodes');
    server.forbidden.add('events');
    // It does not wait for them either.
    await open({ startWithin: 3_600_000 });
    expect(why()).toBe('known');
    expect(cluster?.health().kind).toBe('current');
    expect(cluster?.nodes()).toMatchObject({
      kind: 'unknown',
      why: expect.stringContaining('resources: ["nodes"]'),
    });
  });

  it('says that the credentials are refused (401), and takes up again', async () => {
    await open();
    server.token = 'another';
    server.hangUp();
    await settles('stale', () => /does not accept our credentials \(401\)/.test(why()));
    const answer = cluster?.facts('ns', 'llm');
    expect(answer?.kind === 'unknown' && answer.since).toEqual(expect.any(Number));
    expect(current()).toBeNull();
    server.token = 'a-token-of-the-test';
    await settles('known', () => current() === 2);
  });

  it('lets what was last known stand for the grace when the API server goes, and no longer', async () => {
    let now = 1_000_000;
    await open({
      clock: { now: () => now },
      timing: { grace: 30_000, patience: { silence: 500, credentials: 500 } },
    });
    await server.stop();
    await settles('noticed', () => warnings.length > 0);
    now += 30_000;
    expect(current()).toBe(2);
    now += 1000;
    expect(current()).toBeNull();
    expect(why()).toMatch(
      /^no cluster access to scaledobjects\.keda\.sh for 31 s: cannot reach the API server at http/,
    );
    expect(cluster?.health()).toMatchObject({ kind: 'stale' });
    server = await ApiServer.start();
  });

  it('says that KEDA is not installed', async () => {
    server.faults.set('scaledobjects', { kind: 'status', code: 404, reason: 'NotFound' });
    await open({ startWithin: 300 });
    expect(why()).toContain("KEDA's CRDs are not installed");
  });

  it.each([
    ['hangs', { kind: 'hang' }, /said nothing for 200 ms/],
    ['breaks off', { kind: 'breaks' }, /cannot reach|sent a list that breaks off/],
    ['sends a web page', { kind: 'garbage', body: '<html>login</html>' }, /sent an answer that is not JSON/],
    ['sends another object', { kind: 'garbage', body: '{"kind":"Pod"}' }, /sent an answer that is no list/],
    ['is too busy', { kind: 'status', code: 429, reason: 'TooManyRequests' }, /busy \(429\)/],
  ] as const)('does not hold up the start when the API server %s', async (_what, fault, expected) => {
    server.faults.set('list:deployments', fault);
    await open({ startWithin: 600, timing: { patience: { silence: 200, credentials: 500 } } });
    expect(why()).toMatch(expected);
    server.faults.clear();
    await settles('known', () => why() === 'known');
  });

  it('begins a watch anew that is silent for too long, and thinks nothing of it', async () => {
    await open({ timing: { watchSilence: 150 } });
    const watches = () =>
      server.requests.filter(({ path, query }) => path.endsWith('/deployments') && query.has('watch'));
    await settles('watched three times', () => watches().length >= 3);
    expect(lists('deployments')).toBe(1);
    expect(warnings).toEqual([]);
  });

  it('finds out that nobody is there when the watch after a silent one is not answered', async () => {
    const patience = { silence: 200, credentials: 500 };
    await open({ timing: { watchSilence: 150, patience } });
    await settles('watched', () => server.watchers('deployments') === 1);
    server.faults.set('watch:deployments', { kind: 'hang' });
    await settles('stale', () =>
      /deployments\.apps for .*: the API server .* said nothing for 200 ms/.test(why()),
    );
    server.faults.clear();
    await settles('known', () => why() === 'known');
  });

  it('lists anew from time to time, for what a watch might have missed', async () => {
    let now = 0;
    await open({ clock: { now: () => now }, timing: { resyncEvery: 3_600_000 } });
    await settles('watched', () => server.watchers('deployments') === 1);
    now += 3_600_000;
    server.hangUp('deployments');
    await settles('listed anew', () => lists('deployments') === 2);
  });

  it('in namespaced mode watches each namespace, and knows nothing of others', async () => {
    server.put('scaledobjects', scaledObject('llm', {}, 'team-b'));
    server.put('deployments', deployment('llm', 9, {}, 'team-b'));
    server.put('scaledobjects', scaledObject('llm', {}, 'team-c'));
    server.forbidden.add('pods/team-b');
    await open({ namespaces: ['ns', 'team-b'], startWithin: 300 });
    expect(why()).toBe('known');
    expect(cluster?.facts('team-b', 'llm')).toMatchObject({
      kind: 'unknown',
      why: expect.stringContaining('a Role in namespace team-b bound to our service account lacks the rule'),
    });
    expect(cluster?.facts('team-c', 'llm')).toMatchObject({
      why: 'the namespace team-c is not one of those that are watched',
    });
    expect(server.requests.some(({ path }) => path === '/api/v1/pods')).toBe(false);
    server.forbidden.clear();
    await settles('team-b', () => cluster?.replicas({ ...TARGET, namespace: 'team-b' })?.current === 9);
    // One namespace's list says nothing of the other's.
    expect(why()).toBe('known');
  });

  it('takes only ScaledObjects that name one of its addresses, where those are given', async () => {
    server.put(
      'scaledobjects',
      scaledObject('foreign', {
        triggers: [{ type: 'external', metadata: { scalerAddress: 'another:1' } }],
      }),
    );
    server.put('scaledobjects', scaledObject('cpu', { triggers: [{ type: 'cpu', metadata: {} }] }));
    await open({ addresses: ['Pilotlight:50051'] });
    expect(why()).toBe('known');
    expect(cluster?.facts('ns', 'foreign')).toMatchObject({
      why: 'the ScaledObject ns/foreign names another scaler: its scalerAddress is "another:1", and --scaler-address names only "pilotlight:50051"',
    });
    expect(
      cluster?.health().watches.find(({ resource }) => resource === 'scaledobjects.keda.sh')?.objects,
    ).toBe(1);
  });

  it('counts the pods of a StatefulSet, and of both revisions of a rollout', async () => {
    server.put(
      'scaledobjects',
      scaledObject('set', { scaleTargetRef: { name: 'set', kind: 'StatefulSet' } }),
    );
    server.put('statefulsets', deployment('set', 3));
    const replica = pod('set', '0', { node: 'n1', started: 5, ready: 9 });
    const ownerReferences = [{ kind: 'StatefulSet', name: 'set', controller: true }];
    server.put('pods', { ...replica, metadata: { ...replica.metadata, name: 'set-0', ownerReferences } });
    server.put('pods', pod('llm', 'b', { node: 'n1', started: 5, ready: 9, hash: 'next' }));
    await open();
    expect(cluster?.replicas({ ...TARGET, kind: 'statefulset', name: 'set' })).toEqual({
      current: 3,
      ready: 1,
    });
    expect(cluster?.facts('ns', 'set')).toMatchObject({ facts: { target: { kind: 'statefulset' } } });
    expect(cluster?.replicas(TARGET)).toEqual({ current: 2, ready: 2 });
  });

  it('says which scale targets it cannot read', async () => {
    server.put('scaledobjects', scaledObject('roll', { scaleTargetRef: { name: 'r', kind: 'Rollout' } }));
    server.put('scaledobjects', scaledObject('lost'));
    await open();
    expect(cluster?.facts('ns', 'roll')).toMatchObject({ why: expect.stringContaining('is a Rollout') });
    expect(cluster?.facts('ns', 'lost')).toMatchObject({
      why: 'the scale target deployment/lost does not exist',
    });
  });

  it('learns lead times with the image by the kubelet’s events, and keeps them over a restart', async () => {
    const file = join(await temporaryFolder('cluster-state'), 'deep', 'lead.json');
    await open({ state: stateFile(file) });
    await settles('watched', () => server.watchers('pods') === 1 && server.watchers('events') === 1);
    server.put('pods', pod('llm', 'new', { node: 'n1', created: 100, scheduled: 101 }));
    await settles('seen', () => {
      const pods = cluster?.pods();
      return pods?.kind === 'known' && pods.items.length === 7;
    });
    server.put('events', {
      metadata: { name: 'e', namespace: 'ns' },
      reason: 'Pulled',
      involvedObject: { kind: 'Pod', uid: 'uid-ns-llm-abc123-new' },
      lastTimestamp: '2026-11-22T10:02:11Z',
    });
    // The event has no voice of its own: it is waited for by one that comes after it.
    await new Promise((resolve) => setTimeout(resolve, 100));
    server.put(
      'pods',
      pod('llm', 'new', { node: 'n1', created: 100, scheduled: 101, started: 133, ready: 170 }),
    );
    await settles('learned', () => cluster?.leadTime('ns', 'llm') !== null);
    const learned = cluster?.leadTime('ns', 'llm');
    expect(learned?.warmNode).toMatchObject({
      p50: 70_000,
      samples: 1,
      parts: { schedule: 1000, image: 30_000, start: 2000, model: 37_000 },
    });
    await cluster?.close();
    expect(JSON.parse(await readFile(file, 'utf8'))).toMatchObject({ version: 1 });
    await open({ state: stateFile(file) });
    expect(cluster?.leadTime('ns', 'llm')).toEqual(learned);
    expect(cluster?.leadTimeOfGpu('nvidia-l4')).toEqual(learned);
  });

  it('starts without what it learned when that cannot be read', async () => {
    const file = join(await temporaryFolder('cluster-state'), 'lead.json');
    await writeFile(file, '{"version":');
    await open({ state: stateFile(file) });
    expect(cluster?.leadTime('ns', 'llm')).toBeNull();
    expect(warnings).toEqual(['the lead times that were saved cannot be read: they are learned anew']);
  });
});
