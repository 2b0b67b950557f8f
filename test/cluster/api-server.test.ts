import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ApiServer, TOKEN } from '../support/api-server.js';
import { recordedEvents, recordedList } from '../support/cluster-under-test.js';

const PATHS = {
  pods: '/api/v1/pods',
  nodes: '/api/v1/nodes',
  deployments: '/apis/apps/v1/namespaces/t-rec-gpu-24016/deployments',
  events: '/api/v1/namespaces/t-rec-gpu-24016/events',
  scaledobjects: '/apis/keda.sh/v1alpha1/scaledobjects',
};
const corners = readFileSync('test/fixtures/cluster/recorded/corners.txt', 'utf8');

/** The body of a recorded corner, by what its heading contains. */
function corner(heading: string): unknown {
  const section = corners.split(/^## /m).find((each) => each.split('\n', 1)[0]?.includes(heading)) ?? '';
  return JSON.parse(section.slice(section.indexOf('\n{')));
}

describe('the stand-in for the API server', () => {
  let server: ApiServer;
  const get = (path: string) =>
    fetch(`${server.url}${path}`, { headers: { authorization: `Bearer ${TOKEN}` } });

  beforeEach(async () => {
    server = await ApiServer.start();
  });
  afterEach(() => server.stop());

  it.each(Object.entries(PATHS))('lists %s byte for byte as the recorded one', async (resource, path) => {
    server.recorded(resource, recordedList(resource));
    const answer = await get(path);
    expect((await answer.text()).trim()).toBe(recordedList(resource).trim());
  });

  it.each(Object.entries(PATHS))('watches %s byte for byte as the recorded one', async (resource, path) => {
    server.recorded(resource, recordedList(resource));
    for (const line of recordedEvents(resource)) server.replay(resource, line);
    const answer = await get(`${path}?watch=1&resourceVersion=281&timeoutSeconds=1`);
    // Of the bookmarks only those that come while somebody watches are sent: the history has all of them here.
    expect((await answer.text()).trim().split('\n')).toEqual(recordedEvents(resource));
  });

  it('writes events of its own as the recorded ones are written', async () => {
    const [line = ''] = recordedEvents('pods');
    const { object } = JSON.parse(line) as {
      object: { metadata: { name: string; resourceVersion: string } };
    };
    server.recorded('pods', recordedList('pods'));
    server.version = Number(object.metadata.resourceVersion) - 1;
    server.put('pods', object);
    const answer = await get(`${PATHS.pods}?watch=1&resourceVersion=281&timeoutSeconds=1`);
    expect((await answer.text()).trim()).toBe(line);
  });

  it('refuses without rights as the recorded one', async () => {
    server.forbidden.add('nodes');
    const answer = await get(PATHS.nodes);
    expect(answer.status).toBe(403);
    expect(await answer.json()).toEqual(corner('impersonated without rights'));
  });

  it('gives a page with the fields of the recorded one', async () => {
    const recorded = corners.split(/^## /m).find((each) => each.includes('pods?limit=1')) ?? '';
    for (const line of recordedEvents('pods').slice(0, 3)) server.replay('pods', line);
    const answer = (await (await get(`${PATHS.pods}?limit=1`)).json()) as { metadata: object };
    expect(recorded).toContain('"remainingItemCount": 2');
    expect(answer.metadata).toMatchObject({
      remainingItemCount: 2,
      continue: expect.stringMatching(/^[\w-]+$/),
    });
  });

  it('refuses what it cannot imitate, and says so', async () => {
    expect((await get(`${PATHS.pods}?labelSelector=a`)).status).toBe(501);
    expect((await get(`${PATHS.pods}?fieldSelector=spec.x=a`)).status).toBe(501);
    expect((await fetch(`${server.url}${PATHS.pods}`, { method: 'POST' })).status).toBe(501);
    expect(server.refused).toEqual([
      '/api/v1/pods with labelSelector',
      'field selector spec.x=a',
      'POST /api/v1/pods',
    ]);
  });
});
